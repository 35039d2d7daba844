import fc, { type Arbitrary } from 'fast-check';
import type { Start } from '../../properties/commands.ts';
import { streamTopics } from '../../properties/topics.ts';
import type { Mix } from './commands.ts';

const anyStart: Arbitrary<Start> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Start>('now') },
  { weight: 3, arbitrary: fc.constant<Start>('earliest') },
  { weight: 2, arbitrary: fc.record({ last: fc.nat({ max: 5 }) }) },
  { weight: 1, arbitrary: fc.record({ sinceMs: fc.constantFrom(0, 50, 1_000, 4_000) }) },
  { weight: 4, arbitrary: fc.record({ token: fc.nat({ max: 100 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ bad: fc.constantFrom('epoch' as const, 'above' as const, 'malformed' as const) }),
  },
);

/** Everything that can happen to one connection. */
export const connection: Mix = {
  weights: {
    publish: 24,
    subscribe: 8,
    unsubscribe: 2,
    stall: 4,
    drain: 4,
    cut: 1,
    resume: 3,
    advance: 3,
    trim: 3,
    fault: 3,
    wipe: 1,
    crash: 1,
    reopen: 1,
    rest: 1,
  },
  topics: streamTopics,
  filters: [['a.x'], ['a.y'], ['b'], ['a.*'], ['>'], ['>'], ['a.x', 'b'], ['b', 'c.>']],
  starts: anyStart,
  bursts: fc.constantFrom(1, 1, 1, 2, 3, 8),
  maxCommands: 80,
  maxPage: Infinity,
  othersRead: false,
  maxOutboxBytes: 600,
};

/** Pages so short that subscriptions meet the main position in the middle of them, and that losses lie beyond what was read. */
export const paged: Mix = {
  ...connection,
  weights: { ...connection.weights, publish: 16, crash: 1, wipe: 1, reopen: 0 },
  topics: ['a.x', 'a.y', 'b'],
  filters: [['>'], ['a.*'], ['a.x', 'b'], ['a.x'], ['b']],
  bursts: fc.constantFrom(1, 2, 4, 8, 20),
  maxCommands: 60,
  maxPage: 3,
  othersRead: true,
};
