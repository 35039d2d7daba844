import { describe, expect, it } from 'vitest';
import type { TestClient } from './support/connect-client.ts';
import { useGateways, type World } from './support/use-gateways.ts';

const gateways = useGateways();

const topics = {
  'order.>': { retain: { maxCount: 1000 } },
  'log.>': { retain: { maxCount: 3 } },
  '@all': { retain: { maxCount: 1000 } },
  '@user.>': { retain: { maxCount: 1000 } },
  '@session.>': { retain: { maxCount: 1000 } },
} as const;

describe('T28: a resume that is not right', () => {
  async function worldOfTwo(): Promise<World & { ann: TestClient; bob: TestClient }> {
    const world = await gateways.open({ topics });
    const ann = await world.connect({}, 'ann');
    const bob = await world.connect({}, 'bob');
    ann.link.reset();
    await world.gateway.post({ session: ann.welcome.session }, 'Secret', 1);
    return { ...world, ann, bob };
  }

  it('is a fresh session with a gap, and tells nobody why', async () => {
    const { connect, ann, bob } = await worldOfTwo();
    const { session, secret, token } = ann.resume as Required<TestClient['resume']>;
    const attempts = [
      await connect({ resume: { session, secret: bob.welcome.secret, token } }, 'ann'),
      await connect({ resume: { session, secret, token } }, 'bob'),
      await connect({ resume: { session, secret, token } }),
      await connect({ resume: { session: session.replace(/.$/, 'x'), secret, token } }, 'ann'),
      await connect({ resume: { session: `urn:hexbus:session:${'0'.repeat(32)}`, secret, token } }, 'ann'),
      await connect({ resume: { session, secret: `${secret.slice(0, -1)}B`, token } }, 'ann'),
    ];
    for (const { welcome, lines } of attempts) {
      expect(welcome.resumed).toBe(false);
      expect(welcome.session).not.toBe(session);
      expect(welcome.last).toBeUndefined();
      expect(Object.keys(welcome).toSorted()).toEqual(Object.keys(attempts[0]!.welcome).toSorted());
      // Behind the gap only what its token is by now, where that is not the one it brought.
      expect(lines().filter((line) => line !== 'PING')).toEqual(['GAP reset [0]']);
    }
    expect((await connect({ resume: ann.resume }, 'ann')).welcome.resumed).toBe(true);
  });

  it('leaves the connection alone whose session it names', async () => {
    const { connect, bob, gateway, clock } = await worldOfTwo();
    await connect({ resume: { ...bob.resume, secret: 'guess' } }, 'bob');
    await gateway.post({ session: bob.welcome.session }, 'Hello', 2);
    await clock.runAll();
    expect(bob.lines()).toEqual([expect.stringContaining('Hello 2')]);
  });

  it.each([
    ['of the future', (epoch: string) => `${epoch}.1000`],
    ['of another epoch', () => 'elsewhere.1'],
    ['that nobody can read', () => '~nonsense~'],
    ['of the future for one subscription', (epoch: string) => `${epoch}.2~1:1000`],
  ])('is a reset with a token %s', async (_, tokenOf) => {
    const { connect, publish, bus } = await gateways.open({ topics });
    const first = await connect({ subs: [[1, 'order.a']] });
    await publish('order.a', 1, 2);
    first.link.reset();
    const epoch = String(bus.cursor).split('.')[0] ?? '';
    const second = await connect({
      resume: { ...first.resume, token: tokenOf(epoch) },
      subs: [[1, 'order.a', 'covered']],
    });
    await publish('order.a', 3);

    const lines = second.lines();
    expect(lines.filter((line) => line.startsWith('GAP reset'))).toHaveLength(1);
    const reset = lines.findIndex((line) => line.startsWith('GAP reset'));
    const events = lines.filter((line) => line.includes('order.a#'));
    expect(events.map((line) => line.slice(-1))).toEqual(['1', '2', '3']);
    expect(lines.indexOf(events[0] as string)).toBeGreaterThan(reset);
    const third = await connect({ resume: second.resume, subs: [[1, 'order.a', 'covered']] });
    expect(third.lines()).toEqual(['RESULT 1 3 of 3']);
  });
});
