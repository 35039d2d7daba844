import { existsSync, readFileSync } from 'node:fs';
import { gatewayDefaults } from '@hexbus/core/gateway';
import { createVirtualClock } from '@hexbus/testkit';
import { describe, expect, test } from 'vitest';
import type { FollowerArgument } from './programs/follower.ts';
import { Child, canRunPrograms } from './support/child.ts';
import { all, Flow, topics } from './support/flow.ts';
import { type House, openHouse } from './support/house.ts';
import { createDraw, seed } from './support/seed.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';
import { type Via, vias } from './support/via.ts';
import { nextTurn, Watch } from './support/watch.ts';

const never = { timeoutMs: Number.POSITIVE_INFINITY };

/** The close codes of connections that ended. */
function watchEnds({ gateway }: House): { readonly codes: number[]; readonly watch: Watch } {
  const codes: number[] = [];
  const watch = new Watch();
  gateway.observe('disconnected', ({ code }) => {
    codes.push(code);
    watch.changed();
  });
  return { codes, watch };
}

function prepare(via: Via, port: number): FollowerArgument {
  const file = temporaryDirectory();
  return { via, port, session: file('session.json'), log: file('log.txt'), topics };
}

/** Publishes once more on each topic, and waits until the client has handled it. */
async function caughtUp(client: Child, flow: Flow): Promise<void> {
  const last = [...(await flow.mark())].filter(([topic]) => topic !== all);
  await client.call('caughtUp', last);
}

/** What was handled under a topic, in order. */
function handled({ log }: FollowerArgument, topic: string): number[] {
  // A client that is killed early has handled nothing.
  const lines = existsSync(log) ? readFileSync(log, 'utf8').split('\n') : [];
  return lines.filter((line) => line.startsWith(`${topic} `)).map((line) => Number(line.split(' ')[1]));
}

describe.runIf(canRunPrograms).each(vias)('over %s', (via) => {
  test('the end of a client that is killed is seen at once, and ends what it was asked', async () => {
    const house = await openHouse();
    const { gateway } = house;
    const { codes, watch } = watchEnds(house);
    const client = new Child('follower', prepare(via, house.port));
    await client.call('open');
    const [entry] = await gateway.connections.find();
    const target = { connection: entry?.id ?? '' };
    const outcome = gateway.request(target, 'hang', null, never);
    expect((await gateway.request(target, 'echo', 1)).status).toBe('success');
    client.kill('SIGKILL');
    expect(await outcome).toMatchObject({ status: 'error', code: 'disconnected' });
    await watch.until(() => codes.length === 1);
    expect(codes).toEqual([1006]);
    expect(await gateway.connections.find()).toEqual([]);
  });

  test('a client that is stopped is taken for dead, and goes on where it was when it runs again', async () => {
    // However long a busy machine takes, the client is silent only while it is stopped.
    const clock = createVirtualClock({ turns: 'real' });
    const house = await openHouse({ gateway: { clock } });
    const { gateway } = house;
    const { codes, watch } = watchEnds(house);
    const argument = prepare(via, house.port);
    const client = new Child('follower', argument);
    await client.call('open');
    const flow = new Flow(house.bus);
    await flow.mark();
    const [entry] = await gateway.connections.find();
    const target = { connection: entry?.id ?? '' };
    const outcome = gateway.request(target, 'hang', null, never);
    expect((await gateway.request(target, 'echo', 1)).status).toBe('success');
    client.kill('SIGSTOP');
    await clock.advance(gatewayDefaults.timings.pingMs * (gatewayDefaults.timings.maxMissedPings + 1));
    expect(await outcome).toMatchObject({ status: 'error', code: 'disconnected' });
    await watch.until(() => codes.length === 1);
    expect(codes).toEqual([4000]);
    await flow.mark();

    const resumed = new Watch();
    let back = false;
    gateway.observe('resumed', ({ session }) => {
      back = session === entry?.session;
      resumed.changed();
    });
    client.kill('SIGCONT');
    await resumed.until(() => back);
    await caughtUp(client, flow);
    await client.call('close');
    for (const topic of topics) expect(handled(argument, topic)).toEqual(flow.logs.get(topic));
  });

  test(`a client that is killed and started again with its session misses nothing (seed ${seed})`, async () => {
    const house = await openHouse();
    const argument = prepare(via, house.port);
    const draw = createDraw();
    const flow = new Flow(house.bus);
    /** How many lines the log of each topic had after each run. */
    const lengths: ReadonlyMap<string, number>[] = [];
    for (let run = 1; run <= 5; run++) {
      const client = new Child('follower', argument);
      await client.call('open');
      await flow.publish(500, draw, async (published) => {
        if (published % 50 === 0) await nextTurn();
      });
      if (run === 5) {
        await caughtUp(client, flow);
        await client.call('close');
      } else {
        client.kill('SIGKILL');
        await client.ended;
      }
      lengths.push(new Map(topics.map((topic) => [topic, handled(argument, topic).length])));
    }
    for (const topic of topics) {
      const log = handled(argument, topic);
      const expected = flow.logs.get(topic) ?? [];
      let before = 0;
      let known = 0;
      for (const [run, length] of lengths.map((each) => each.get(topic) ?? 0).entries()) {
        const ofRun = log.slice(before, length);
        before = length;
        if (ofRun.length === 0) continue;
        // What was handled and killed before that was saved comes once more, and all that follows after it.
        const begin = expected.indexOf(ofRun[0] ?? -1);
        expect(ofRun, `${topic} in run ${run}, seed ${seed}`).toEqual(expected.slice(begin, begin + ofRun.length));
        expect(begin, `${topic} in run ${run}, seed ${seed}`).toBeLessThanOrEqual(known);
        known = Math.max(known, begin + ofRun.length);
      }
      expect(known, `${topic}, seed ${seed}`).toBe(expected.length);
    }
  });
});
