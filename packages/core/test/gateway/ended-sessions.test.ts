import { createVirtualClock } from '@hexbus/testkit';
import { expect, test } from 'vitest';
import { Sessions } from '../../src/gateway/sessions.ts';

test.each([
  ['as many as there may be', 9_000, 3_000, 12_000],
  ['10,000 at least', 1, 1, 10_000],
  ['all of a gateway without limits', Infinity, 1, Infinity],
])('sessions that nobody may come back to are remembered: %s', (_, maxConnections, maxDetached, most) => {
  const clock = createVirtualClock();
  const sessions = new Sessions({ clock, resumeWindowMs: 1, maxDetached, maxConnections, onExpired: () => undefined });
  const end = (index: number): void => {
    sessions.markEnded(`ended ${index}`);
    sessions.voidTicket(`void ${index}`);
  };
  for (let index = 0; index < Math.min(most, 12_000); index++) end(index);
  expect([sessions.isEnded('ended 0'), sessions.isTicketVoid('void 0')]).toEqual([true, true]);
  end(12_000);
  const areKept = most === Infinity;
  expect([sessions.isEnded('ended 0'), sessions.isTicketVoid('void 0')]).toEqual([areKept, areKept]);
  expect([sessions.isEnded('ended 12000'), sessions.isTicketVoid('void 12000')]).toEqual([true, true]);
});
