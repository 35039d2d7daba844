import { describe, expect, it } from 'vitest';
import { type Deferred, deferred } from '../support/deferred.ts';
import type { TestClient } from './support/connect-client.ts';
import { useGateways, type World } from './support/use-gateways.ts';

const gateways = useGateways();

/** Rights that the test takes away, of which `order.slow` are asked for until the test answers. */
function slowRights() {
  const gone = new Set<string>();
  const answers: Deferred<boolean>[] = [];
  return {
    gone,
    answers,
    authorize({ topic }: { readonly topic: string }): boolean | Promise<boolean> {
      if (topic !== 'order.slow') return !gone.has(topic);
      const answer = deferred<boolean>();
      answers.push(answer);
      return answer.promise;
    },
  };
}

async function bodiesOf({ bus }: World): Promise<readonly unknown[]> {
  return (await bus.read('order.>')).messages.map(({ body }) => body);
}

function publish(client: TestClient, id: number, topic: string, body: unknown): void {
  client.send(18, id, topic, null, body);
}

describe('P34: once a revocation has resolved, nothing is published that it forbids', () => {
  it('also what was allowed before and waits for one before it', async () => {
    const { gone, answers, authorize } = slowRights();
    const world = await gateways.open({ authorize });
    const client = await world.connect({}, 'ann');
    publish(client, 1, 'order.slow', 'slow');
    publish(client, 2, 'order.a', 'revoked');
    publish(client, 3, 'order.b', 'still allowed');
    await world.clock.runAll();
    gone.add('order.a');
    await world.gateway.revoke({ user: 'ann' }, 'order.a');
    answers[0]?.resolve(true);
    await world.clock.runAll();
    // Asked before the revocation, so it is asked once more.
    answers[1]?.resolve(true);
    await world.clock.runAll();
    expect(
      client
        .lines()
        .map((line) => line.slice(0, 8))
        .toSorted(),
    ).toEqual(['ERROR 2 ', 'RESULT 1', 'RESULT 3']);
    expect(await bodiesOf(world)).toEqual(['slow', 'still allowed']);
  });

  it('also where authorize says yes afterwards, as it was asked before', async () => {
    const { answers, authorize } = slowRights();
    const world = await gateways.open({ authorize });
    const client = await world.connect({}, 'ann');
    publish(client, 1, 'order.slow', 1);
    await world.clock.runAll();
    await world.gateway.revoke({ user: 'ann' });
    answers[0]?.resolve(true);
    await world.clock.runAll();
    answers[1]?.resolve(false);
    await world.clock.runAll();
    expect(client.lines()).toEqual(['ERROR 1 forbidden']);
    expect(await bodiesOf(world)).toEqual([]);
  });

  it('what the bus has taken before is in the history when it resolves', async () => {
    const { gone, authorize } = slowRights();
    const world = await gateways.open({ authorize });
    const client = await world.connect({}, 'ann');
    const write = world.probe.holdNext('write');
    publish(client, 1, 'order.a', 'before');
    await world.clock.runAll();
    gone.add('order.a');
    let isResolved = false;
    const revoked = world.gateway.revoke({ user: 'ann' }).then(() => {
      isResolved = true;
    });
    await world.clock.runAll();
    expect(isResolved).toBe(false);
    write();
    await revoked;
    expect(await bodiesOf(world)).toEqual(['before']);
    publish(client, 2, 'order.a', 'after');
    await world.clock.runAll();
    expect(await bodiesOf(world)).toEqual(['before']);
    expect(client.lines()).toEqual([expect.stringMatching(/^RESULT 1 /), 'ERROR 2 forbidden']);
  });

  it('does not wait for what it does not concern', async () => {
    const { authorize } = slowRights();
    const world = await gateways.open({ authorize });
    const client = await world.connect({}, 'ann');
    const write = world.probe.holdNext('write');
    publish(client, 1, 'order.a', 1);
    publish(client, 2, 'order.slow', 2);
    await world.clock.runAll();
    expect(await world.gateway.revoke({ user: 'ann' }, 'order.b')).toBe(0);
    expect(await world.gateway.revoke({ user: 'ann' }, 'order.slow')).toBe(0);
    write();
    await world.clock.runAll();
  });
});
