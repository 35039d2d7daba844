import fc from 'fast-check';
import { test } from 'vitest';
import { type Command, filters, topics, World } from './world.ts';

const numRuns = process.env['HEXBUS_DEEP'] === '1' ? 20_000 : 1_000;

const which = fc.nat({ max: 3 });
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('publish'), topic: fc.constantFrom(...topics) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('subscribe'),
      topic: fc.constantFrom(...filters),
      from: fc.constantFrom('now', 'earliest'),
    }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('release'), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('fail', 'unsubscribe'), which }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('connect', 'answer', 'pass-time') }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('advance') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('repeat', 'ping', 'lose-session') }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cut'), code: fc.constantFrom(1006, 1006, 1012, 4000, 4510) }) },
);

test.each([
  ['with room', { maxQueuedMessages: 10_000 }],
  ['that must hang up now and then', { maxQueuedMessages: 2 }],
])(
  'a client %s handles every message once, in order, and acknowledges nothing that was not handled',
  async (_, limits) => {
    const property = fc.asyncProperty(fc.array(command, { maxLength: 80, size: 'max' }), async (commands) => {
      // All of it is played on a connection, and most of it with somebody who follows something.
      await new World(limits).run([{ do: 'pass-time' }, { do: 'connect' }, ...commands]);
    });
    await fc.assert(property, { numRuns, includeErrorInReport: true });
  },
);
