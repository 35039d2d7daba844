import { createVirtualClock } from '@hexbus/testkit';
import { describe, expect, it, test } from 'vitest';
import { Disconnects, type Moment, mostRemembered } from '../../src/gateway/admission/disconnects.ts';
import { gatewayDefaults } from '../../src/gateway/defaults.ts';
import { Sessions } from '../../src/gateway/sessions/sessions.ts';

test.each([
  ['as many as there may be', 9_000, 3_000, 12_000],
  ['10,000 at least', 1, 1, 10_000],
  ['all of a gateway without limits', Infinity, 1, Infinity],
])('sessions that nobody may come back to are remembered: %s', (_, maxConnections, maxSessions, most) => {
  const clock = createVirtualClock();
  const maxRemembered = mostRemembered({ ...gatewayDefaults.limits, maxConnections, maxSessions });
  const disconnects = new Disconnects(clock, maxRemembered);
  const kept = { clock, resumeWindowMs: 1, maxDetached: 1, maxRemembered, disconnects };
  const sessions = new Sessions({ ...kept, onExpired: () => undefined });
  const end = (index: number): void => {
    disconnects.add([`@session.ended-${index}`]);
    sessions.voidTicket(`void-${index}`);
  };
  for (let index = 0; index < Math.min(most, 12_000); index++) end(index);
  expect([sessions.isEnded('ended-0'), sessions.isTicketVoid('void-0')]).toEqual([true, true]);
  end(12_000);
  const areKept = most === Infinity;
  expect([sessions.isEnded('ended-0'), sessions.isTicketVoid('void-0')]).toEqual([areKept, areKept]);
  expect([sessions.isEnded('ended-12000'), sessions.isTicketVoid('void-12000')]).toEqual([true, true]);
});

test('a session whose user was sent away while its client was has ended for good, also when it has expired', async () => {
  const clock = createVirtualClock();
  const disconnects = new Disconnects(clock, 10);
  const kept = { clock, resumeWindowMs: 1_000, maxDetached: 10, maxRemembered: 10, disconnects };
  const sessions = new Sessions({ ...kept, onExpired: () => undefined });
  const session = 'urn:hexbus:session:1';
  const connection = { end: () => undefined } as unknown as Parameters<Sessions['attach']>[1];
  const addresses = [`@session.${session}`, '@user.ann'];
  sessions.attach({ session, secret: 's', userId: 'ann', byTicket: false, addresses }, connection);
  sessions.detach(session, connection, undefined);
  disconnects.add(['@user.ann']);
  expect(sessions.isEnded(session)).toBe(true);
  await clock.advance(1_001);
  expect([sessions.has(session), sessions.isEnded(session)]).toEqual([false, true]);
});

describe('what has begun before a disconnect', () => {
  it('is told from what has begun after it, also in one millisecond and when the clock was set back', () => {
    let now = 5;
    const disconnects = new Disconnects({ ...createVirtualClock(), now: () => now }, 10);
    const isGone = (began: Moment): boolean => disconnects.since(began, ['@all', '@user.ann']);
    const before = disconnects.now();
    disconnects.add(['@user.bob']);
    expect(isGone(before)).toBe(false);
    disconnects.add(['@user.ann']);
    const between = disconnects.now();
    expect([isGone(before), isGone(between)]).toEqual([true, false]);
    now = 1;
    const after = disconnects.now();
    disconnects.add(['@all']);
    expect([isGone(before), isGone(between), isGone(after), isGone(disconnects.now())]).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });

  it('is what another gateway made in an earlier millisecond, however many are sent away in one', () => {
    let now = 5;
    const disconnects = new Disconnects({ ...createVirtualClock(), now: () => now }, 10);
    for (let count = 0; count < 5_000; count++) disconnects.add(['@user.ann']);
    const elsewhere = (time: number): Moment => ({ time, count: 0 });
    expect([4, 5, 6].map((time) => disconnects.since(elsewhere(time), ['@user.ann']))).toEqual([true, true, false]);
    now = 6;
    expect(disconnects.now().time).toBe(6);
  });

  it('is told of those who were sent away last', () => {
    const disconnects = new Disconnects(createVirtualClock(), 2);
    const began = disconnects.now();
    for (const name of ['a', 'b', 'a', 'c']) disconnects.add([name]);
    expect(['a', 'b', 'c'].map((name) => disconnects.since(began, [name]))).toEqual([true, false, true]);
  });
});
