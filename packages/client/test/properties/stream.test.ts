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
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('reroute', 'repeat', 'ping', 'lose-session') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reload'), gracefully: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cut'), code: fc.constantFrom(1006, 1006, 1012, 4000, 4510) }) },
);

const room = { maxQueuedMessages: 10_000 };
const tight = { maxQueuedMessages: 2 };

test.each([
  ['over WebSocket with room', 'ws', room],
  ['over WebSocket that must hang up now and then', 'ws', tight],
  ['over SSE with room', 'sse', room],
  ['over SSE that must hang up now and then', 'sse', tight],
  ['that goes from one to the other', 'auto', room],
] as const)(
  'a client %s handles every message, in order and once a page, and acknowledges nothing that was not handled',
  async (_, transport, limits) => {
    const property = fc.asyncProperty(fc.array(command, { maxLength: 80, size: 'max' }), async (commands) => {
      // All of it is played on a connection, and most of it with somebody who follows something.
      await new World(transport, limits).run([{ do: 'pass-time' }, { do: 'connect' }, ...commands]);
    });
    await fc.assert(property, { numRuns, includeErrorInReport: true });
  },
);
