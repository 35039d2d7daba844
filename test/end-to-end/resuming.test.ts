import type { SavedSession } from '@hexbus/client';
import { createSeededRandomness } from '@hexbus/testkit';
import { type ChaosProxy, type ChaosProxyOptions, createChaosProxy } from '@hexbus/testkit/chaos';
import { describe, expect, onTestFinished, test } from 'vitest';
import { all, Flow, topics } from './support/flow.ts';
import { Follower, RecordedSession } from './support/follower.ts';
import { Gate } from './support/gate.ts';
import { clientOf, type House, openHouse } from './support/house.ts';
import { createDraw, type Draw, seed } from './support/seed.ts';
import { type Via, vias } from './support/via.ts';
import { nextTurn } from './support/watch.ts';

/** A busy machine takes its time. */
const timeout = 120_000;
const messages = 10_000;
const cuts = 50;
const early = [topics[0], topics[1], topics[2], all];
const late = [topics[3], topics[4]];

/** One client that follows the flow through a network of its own. */
interface Run {
  readonly proxy: ChaosProxy;
  readonly follower: Follower;
  readonly session: RecordedSession;
  readonly gate: Gate;
}

function openFlowHouse(): Promise<House> {
  return openHouse({ gateway: { timings: { pingMs: 50 } } });
}

/** `changing`: by the transport that the gate lets through. */
async function prepare(way: Via | 'changing', house: House, options: Partial<ChaosProxyOptions> = {}): Promise<Run> {
  const randomness = createSeededRandomness(seed);
  const proxy = await createChaosProxy({ target: { port: house.port }, randomness, ...options });
  onTestFinished(() => proxy.close());
  const session = new RecordedSession();
  const gate = new Gate();
  const client = clientOf(way === 'changing' ? 'ws' : way, proxy.port, {
    session,
    timings: { silenceSlackMs: 50, connectTimeoutMs: 500 },
    ...(way === 'changing' ? gate.options : {}),
  });
  const follower = new Follower(client);
  session.record(follower);
  for (const topic of early) follower.follow(topic, 'earliest');
  return { proxy, follower, session, gate };
}

/** The client has seen what listeners in the process saw, and no signal was needed for it. */
function compare({ follower }: Run, flow: Flow): void {
  for (const [topic, log] of flow.logs) expect(follower.log(topic), `${topic}, seed ${seed}`).toEqual(log);
  expect(follower.signals).toEqual([]);
}

/** Whoever goes on from a session that was saved gets all that had not been handled by then, without a hole, by whichever transport. */
async function resumeFromSaves({ session, follower }: Run, house: House, flow: Flow, draw: Draw): Promise<void> {
  await follower.client.close();
  for (let count = 0; count < 10; count++) {
    const number = draw(session.saves.length);
    const { session: saved, handled } = session.saves[number] as (typeof session.saves)[number];
    const load = (): SavedSession => saved;
    const via = vias[count % vias.length] as Via;
    const next = new Follower(clientOf(via, house.port, { session: { load, save: () => undefined } }));
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

describe.each([
  ['over ws', 'ws'],
  ['over sse', 'sse'],
  ['by another transport at every fifth cut', 'changing'],
] as const)('%s', (_, way) => {
  test.each([
    ['in the middle', false],
    ['before it has received anything, and then in the middle', true],
  ])(`cut ${cuts} times %s (seed ${seed})`, { timeout }, async (_, atOnce) => {
    const house = await openFlowHouse();
    const comings: string[] = [];
    house.gateway.observe('resumed', ({ transport }) => comings.push(transport));
    const run = await prepare(way, house);
    const flow = new Flow(house.bus);
    const draw = createDraw();
    const { proxy, follower, gate } = run;
    const { client, watch } = follower;
    let done = 0;
    const cut = async (): Promise<void> => {
      // Some hit the handshake, some what is in flight.
      if (draw(4) > 0) await watch.until(() => client.connected);
      for (let turns = draw(8); turns > 0; turns--) await nextTurn();
      if (proxy.cut(draw(2) === 0 ? 'reset' : 'end') === 0) return;
      done += 1;
      if (done % 5 === 0) gate.switch();
    };
    void client.open();
    if (atOnce) while (done < 5) await cut();
    await flow.publish(messages, draw, async (published) => {
      if (published === messages / 2) for (const topic of late) follower.follow(topic, 'earliest');
      if (draw(messages / cuts) === 0 || messages - published <= cuts - done) await cut();
    });
    while (done < cuts) await cut();
    await follower.caughtUp(await flow.mark());
    compare(run, flow);
    expect(done).toBeGreaterThanOrEqual(cuts);
    expect(new Set(comings)).toEqual(new Set(way === 'changing' ? vias : [way]));
    await resumeFromSaves(run, house, flow, draw);
  });
});

test(`both transports see what the process sees, cut, half closed, delayed and stalled by the bytes (seed ${seed})`, {
  timeout,
}, async () => {
  const house = await openFlowHouse();
  const flow = new Flow(house.bus);
  const draw = createDraw();
  const wild = { mode: 'wild', maxBytesBetweenFaults: 16_384, maxMsBetweenFaults: 200, maxDelayMs: 10 } as const;
  const runs = await Promise.all(vias.map((via) => prepare(via, house, wild)));
  for (const { follower } of runs) void follower.client.open();
  const connected = (): Promise<unknown> =>
    Promise.all(runs.map(({ follower: { client, watch } }) => watch.until(() => client.connected)));
  await flow.publish(messages, draw, async (published) => {
    if (published === messages / 2)
      for (const { follower } of runs) for (const topic of late) follower.follow(topic, 'earliest');
    if (draw(200) === 0) await connected();
  });
  const happened = ({ proxy }: Run): number => Object.values(proxy.stats.faults).reduce((sum, count) => sum + count);
  // A client that is away for long meets few.
  while (runs.some((run) => happened(run) < 20)) await flow.publish(20, draw, async () => void (await connected()));
  for (const { proxy } of runs) {
    proxy.setMode('calm');
    proxy.resume();
  }
  const last = await flow.mark();
  for (const run of runs) {
    await run.follower.caughtUp(last);
    compare(run, flow);
  }
  for (const run of runs) await resumeFromSaves(run, house, flow, draw);
});
