import type { IncomingMessage, ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { createVirtualClock } from '@hexbus/testkit';
import { expect, test } from 'vitest';
import { Exchange } from '../src/exchange.ts';

test.each([
  ['that came while the process stood still is taken, though its time is over', 'hello', Buffer.from('hello')],
  ['that did not come in its time is too slow', undefined, 'too slow'],
])('a body %s', async (_, sent, expected) => {
  const clock = createVirtualClock({ turns: 'real' });
  const request = Object.assign(new PassThrough(), { headers: {}, socket: { destroyed: false } });
  const response = Object.assign(new PassThrough(), { headersSent: false });
  const limits = { maxBytes: 100, timeoutMs: 50 };
  const standing = {
    ...clock,
    // What came meanwhile is read behind the timers that are due.
    setTimer: (callback: () => void, ms: number) =>
      clock.setTimer(() => {
        callback();
        if (sent !== undefined) request.end(sent);
      }, ms),
  };
  const exchange = new Exchange(
    request as unknown as IncomingMessage,
    response as unknown as ServerResponse,
    limits,
    standing,
  );
  const body = exchange.body();
  await clock.advance(50);
  expect(await body).toEqual(expected);
  expect(clock.pendingTimers).toBe(0);
});
