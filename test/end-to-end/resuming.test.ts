import type { SavedSession } from '@hexbus/client';
import { createSeededRandomness } from '@hexbus/testkit';
import { type ChaosProxy, type ChaosProxyOptions, createChaosProxy } from '@hexbus/testkit/chaos';
import { expect, onTestFinished, test } from 'vitest';
import { all, Flow, topics } from './support/flow.ts';
import { Follower, RecordedSession } from './support/follower.ts';
import { clientOf, type House, openHouse } from './support/house.ts';
import { createDraw, type Draw, seed } from './support/seed.ts';
import { nextTurn } from './support/watch.ts';

/** A busy machine takes its time. */
const timeout = 120_000;
const messages = 10_000;
const cuts = 50;
const early = [topics[0], topics[1], topics[2], all];
const late = [topics[3], topics[4]];

interface Run {
  readonly house: House;
  readonly proxy: ChaosProxy;
  readonly flow: Flow;
  readonly follower: Follower;
  readonly session: RecordedSession;
  readonly draw: Draw;
}

async function prepare(options: Partial<ChaosProxyOptions> = {}): Promise<Run> {
  const house = await openHouse({ gateway: { timings: { pingMs: 50 } } });
  const randomness = createSeededRandomness(seed);
  const proxy = await createChaosProxy({ target: { port: house.port }, randomness, ...options });
  onTestFinished(() => proxy.close());
  const session = new RecordedSession();
  const client = clientOf(proxy.port, { session, timings: { silenceSlackMs: 50, connectTimeoutMs: 500 } });
  const follower = new Follower(client);
  session.record(follower);
  for (const topic of early) follower.follow(topic, 'earliest');
  return { house, proxy, flow: new Flow(house.bus), follower, session, draw: createDraw() };
}

/** The client has seen what listeners in the process saw, and no signal was needed for it. */
function compare({ follower, flow }: Run): void {
  for (const [topic, log] of flow.logs) expect(follower.log(topic), `${topic}, seed ${seed}`).toEqual(log);
  expect(follower.signals).toEqual([]);
}

/** Whoever goes on from a session that was saved gets all that had not been handled by then, without a hole. */
async function resumeFromSaves({ session, flow, house, draw, follower }: Run): Promise<void> {
  await follower.client.close();
  for (let count = 0; count < 10; count++) {
    const number = draw(session.saves.length);
    const { session: saved, handled } = session.saves[number] as (typeof session.saves)[number];
    const load = (): SavedSession => saved;
    const next = new Follower(clientOf(house.port, { session: { load, save: () => undefined } }));
    // In another order, as programs change.
    for (const topic of [...late, ...early].reverse()) next.follow(topic, 'earliest');
    await next.client.open();
    await next.caughtUp(await flow.mark());
    for (const [topic, log] of flow.logs) {
      const begin = log.length - next.log(topic).length;
      expect(next.log(topic), `${topic} from save ${number}, seed ${seed}`).toEqual(log.slice(begin));
      expect(begin, `${topic} from save ${number}, seed ${seed}`).toBeLessThanOrEqual(handled.get(topic) ?? 0);
    }
    expect(next.signals).toEqual([]);
    await next.client.close();
  }
}

test.each([
  ['in the middle', false],
  ['before it has received anything, and then in the middle', true],
])(`cut ${cuts} times %s (seed ${seed})`, { timeout }, async (_, atOnce) => {
  const run = await prepare();
  const { proxy, flow, follower, draw } = run;
  const { client, watch } = follower;
  let done = 0;
  const cut = async (): Promise<void> => {
    // Some hit the handshake, some what is in flight.
    if (draw(4) > 0) await watch.until(() => client.connected);
    for (let turns = draw(8); turns > 0; turns--) await nextTurn();
    if (proxy.cut(draw(2) === 0 ? 'reset' : 'end') > 0) done += 1;
  };
  void client.open();
  if (atOnce) while (done < 5) await cut();
  await flow.publish(messages, draw, async (published) => {
    if (published === messages / 2) for (const topic of late) follower.follow(topic, 'earliest');
    if (draw(messages / cuts) === 0 || messages - published <= cuts - done) await cut();
  });
  while (done < cuts) await cut();
  await follower.caughtUp(await flow.mark());
  compare(run);
  expect(done).toBeGreaterThanOrEqual(cuts);
  await resumeFromSaves(run);
});

test(`cut, half closed, delayed and stalled by the bytes (seed ${seed})`, { timeout }, async () => {
  const run = await prepare({
    mode: 'wild',
    maxBytesBetweenFaults: 16_384,
    maxMsBetweenFaults: 200,
    maxDelayMs: 10,
  });
  const { proxy, flow, follower, draw } = run;
  const { client, watch } = follower;
  void client.open();
  await flow.publish(messages, draw, async (published) => {
    if (published === messages / 2) for (const topic of late) follower.follow(topic, 'earliest');
    if (draw(200) === 0) await watch.until(() => client.connected);
  });
  const happened = (): number => Object.values(proxy.stats.faults).reduce((sum, count) => sum + count);
  // A client that is away for long meets few.
  while (happened() < 20) await flow.publish(20, draw, () => watch.until(() => client.connected));
  proxy.setMode('calm');
  proxy.resume();
  await follower.caughtUp(await flow.mark());
  compare(run);
  await resumeFromSaves(run);
});
