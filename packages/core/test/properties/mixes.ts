import fc, { type Arbitrary } from 'fast-check';
import type { Behaviour, Mix, Start } from './commands.ts';
import { heldTopics, streamTopics } from './topics.ts';

const filters: readonly (readonly string[])[] = [
  ['a.x'],
  ['a.y'],
  ['b'],
  ['c.one'],
  ['a.*'],
  ['>'],
  ['a.x', 'b'],
  ['b', 'c.>'],
];

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

const anyBehaviour: Arbitrary<Behaviour> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Behaviour>('ok') },
  { weight: 6, arbitrary: fc.constant<Behaviour>('slow') },
  {
    weight: 6,
    arbitrary: fc.constantFrom<Behaviour[]>('throw', 'reject', 'publish', 'publish and wait', 'attach'),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom<Behaviour[]>('hang', 'late', 'unsubscribe', 'unsubscribe, slow'),
  },
  { weight: 1, arbitrary: fc.constantFrom<Behaviour[]>('close', 'close and wait') },
);

const smallBursts = fc.constantFrom(1, 1, 1, 2, 3, 8);

/** Streams: starts, signals, resuming, failures, faults of the history. */
export const streams: Mix = {
  weights: {
    publish: 12,
    subscribe: 7,
    unsubscribe: 2,
    resume: 3,
    'await caught up': 2,
    advance: 3,
    trim: 3,
    fault: 2,
    wipe: 1,
    crash: 1,
    reopen: 1,
    rest: 1,
  },
  streams: streamTopics,
  held: [],
  filters,
  starts: anyStart,
  names: {},
  behaviours: anyBehaviour,
  bursts: smallBursts,
  ids: [],
  maxCommands: 30,
};

/** Held topics: attaching, leaving, dying, dropping, in every life. */
export const held: Mix = {
  ...streams,
  weights: {
    publish: 10,
    attach: 7,
    unsubscribe: 4,
    'await caught up': 1,
    advance: 3,
    fault: 2,
    requeue: 1,
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
    publish: 10,
    subscribe: 6,
    unsubscribe: 2,
    advance: 4,
    trim: 1,
    fault: 2,
    wipe: 1,
    crash: 3,
    reopen: 2,
    rest: 1,
  },
  names: { one: ['b'], two: ['a.*'], three: ['>'] },
  ids: ['k1', 'k2', 'k3'],
  bursts: fc.constantFrom(1, 1, 2, 5, 40, 80),
  held: ['job'],
};
