import fc, { type Arbitrary } from 'fast-check';
import type { Behaviour, Mix, Start } from './commands.ts';
import { heldTopics, streamTopics } from './topics.ts';

const anyStart: Arbitrary<Start> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Start>('now') },
  { weight: 2, arbitrary: fc.constant<Start>('earliest') },
  { weight: 2, arbitrary: fc.record({ last: fc.nat({ max: 5 }) }) },
  { weight: 1, arbitrary: fc.record({ sinceMs: fc.constantFrom(0, 50, 1_000, 4_000) }) },
  { weight: 4, arbitrary: fc.record({ token: fc.nat({ max: 100 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ bad: fc.constantFrom('epoch' as const, 'above' as const, 'malformed' as const) }),
  },
);

const stayingBehaviours: Arbitrary<Behaviour> = fc.oneof(
  { weight: 12, arbitrary: fc.constant<Behaviour>('ok') },
  { weight: 10, arbitrary: fc.constant<Behaviour>('slow') },
  { weight: 10, arbitrary: fc.constantFrom<Behaviour[]>('throw', 'reject', 'publish', 'publish and wait', 'attach') },
  { weight: 4, arbitrary: fc.constantFrom<Behaviour[]>('hang', 'late', 'unsubscribe', 'unsubscribe, slow') },
);

const anyBehaviour: Arbitrary<Behaviour> = fc.oneof(
  { weight: 36, arbitrary: stayingBehaviours },
  { weight: 1, arbitrary: fc.constantFrom<Behaviour[]>('close', 'close and wait') },
);

/** Between any two things that a bus does within one step: its longest chain of promises is about so long. */
const anyMicrotasks: Arbitrary<number> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 12 }) },
);

/** Streams: starts, signals, resuming, failures, faults of the history. */
export const streams: Mix = {
  weights: {
    publish: 24,
    subscribe: 10,
    unsubscribe: 2,
    resume: 4,
    'await caught up': 2,
    advance: 3,
    trim: 3,
    fault: 3,
    wipe: 1,
    crash: 1,
    reopen: 1,
    withdraw: 2,
    read: 2,
    rest: 1,
  },
  streams: streamTopics,
  held: [],
  filters: [['a.x'], ['a.y'], ['b'], ['c.one'], ['a.*'], ['>'], ['>'], ['a.x', 'b'], ['b', 'c.>']],
  starts: anyStart,
  names: {},
  behaviours: anyBehaviour,
  microtasks: anyMicrotasks,
  bursts: fc.constantFrom(1, 1, 1, 2, 3, 8),
  ids: [],
  maxCommands: 45,
  maxPage: Infinity,
};

/** Held topics: attaching, leaving, dying, dropping, in every life. */
export const held: Mix = {
  ...streams,
  weights: {
    publish: 20,
    attach: 12,
    unsubscribe: 6,
    'await caught up': 2,
    advance: 4,
    fault: 3,
    requeue: 2,
    discard: 1,
    wipe: 1,
    crash: 1,
    reopen: 1,
    rest: 1,
  },
  streams: ['b'],
  held: heldTopics,
};

/** Durable names and caller-given ids, across crashes and restarts. */
export const durable: Mix = {
  ...streams,
  weights: {
    publish: 20,
    subscribe: 10,
    unsubscribe: 3,
    advance: 5,
    trim: 1,
    fault: 2,
    wipe: 1,
    crash: 3,
    reopen: 1,
    rest: 1,
  },
  streams: ['b', 'a.x', 'a.y'],
  held: ['job'],
  filters: [['b'], ['a.*'], ['>']],
  names: { one: ['b'], two: ['a.*'], three: ['>'] },
  ids: ['k1', 'k2', 'k3'],
  bursts: fc.constantFrom(1, 1, 2, 5, 40, 80),
};

/** What every history can be asked to bear, so that all of them can be compared: microtasks they take as many as they like. */
export const anywhere: Mix = {
  ...streams,
  microtasks: fc.constant(0),
  weights: {
    publish: 24,
    subscribe: 8,
    attach: 4,
    unsubscribe: 2,
    resume: 4,
    'await caught up': 1,
    advance: 3,
    fault: 2,
    requeue: 1,
    rest: 1,
  },
  held: heldTopics,
  behaviours: stayingBehaviours,
  names: { one: ['b'], two: ['a.*'] },
  ids: ['k1'],
};

/** The same with what only a durable history bears. */
export const anywhereDurable: Mix = {
  ...anywhere,
  behaviours: anyBehaviour,
  weights: { ...anywhere.weights, crash: 1, reopen: 1 },
};

/** Nothing that a listener that never answers would notice too. */
export const undisturbed: Mix = {
  ...streams,
  microtasks: fc.constant(0),
  weights: { publish: 24, subscribe: 8, unsubscribe: 2, resume: 4, advance: 3, trim: 3, crash: 1, rest: 1 },
  behaviours: fc.constantFrom<Behaviour[]>('ok', 'ok', 'slow', 'throw', 'reject', 'publish', 'unsubscribe'),
};

/** Pages so short that losses lie beyond what was read, and that the tail goes on where the store left off. */
export const paged: Mix = {
  ...streams,
  weights: { publish: 16, subscribe: 10, unsubscribe: 1, resume: 3, advance: 1, trim: 2, fault: 1, crash: 2, rest: 1 },
  streams: ['a.x', 'a.y', 'b'],
  filters: [['>'], ['>'], ['a.*'], ['a.x', 'b'], ['a.x']],
  behaviours: fc.constantFrom<Behaviour[]>('ok', 'ok', 'ok', 'slow', 'throw'),
  bursts: fc.constantFrom(1, 2, 4, 8, 80),
  maxCommands: 30,
  maxPage: 3,
};
