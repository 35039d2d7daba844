import { isHexbusError } from '@hexbus/core';
import { createSeededRandomness } from '@hexbus/testkit';
import { createChaosProxy } from '@hexbus/testkit/chaos';
import { describe, expect, onTestFinished, test } from 'vitest';
import { clientOf, noLimits, openHouse } from './support/house.ts';
import { seed } from './support/seed.ts';
import { vias } from './support/via.ts';
import { Watch } from './support/watch.ts';

const asked = 3_000;
/** As many as a gateway can allow. */
const allowed = 240;
/** So long that HELLO has no room for those either. */
const topics = Array.from({ length: asked }, (_, index) => `topic.${index}.`.padEnd(255, 'x'));

describe.each(vias)('over %s', (via) => {
  test(`a client of ${asked} subscriptions comes in, is told which it cannot have, and resumes the others`, {
    timeout: 120_000,
  }, async () => {
    const { bus, gateway, port } = await openHouse({
      gateway: { limits: { ...noLimits, maxSubscriptions: allowed }, timings: { pingMs: 1_000 } },
    });
    const proxy = await createChaosProxy({ target: { port }, randomness: createSeededRandomness(seed) });
    onTestFinished(() => proxy.close());
    const closes: number[] = [];
    gateway.observe('disconnected', ({ code }) => closes.push(code));
    const client = clientOf(via, proxy.port);
    const watch = new Watch();
    const seen = new Map<string, unknown[]>(topics.map((topic) => [topic, []]));
    const signals: string[] = [];
    client.observe('gap', ({ why }) => signals.push(why));
    const all = topics.map((topic) => {
      const handler = ({ body }: { readonly body: unknown }): void => {
        seen.get(topic)?.push(body);
        watch.changed();
      };
      return client.subscribe(topic, handler, { from: 'earliest' });
    });
    const publish = (body: string): Promise<unknown> =>
      Promise.all(topics.slice(0, allowed).map((topic) => bus.publish(topic, body)));
    const every = (count: number): boolean =>
      topics.slice(0, allowed).every((topic) => (seen.get(topic)?.length ?? 0) >= count);

    await publish('before');
    await client.open();
    const answers = await Promise.allSettled(all.map(({ ready }) => ready));
    const refused = answers.flatMap((answer, index) => (answer.status === 'rejected' ? [[index, answer.reason]] : []));
    expect(refused.map(([index]) => index)).toEqual(
      Array.from({ length: asked - allowed }, (_, index) => index + allowed),
    );
    expect(refused.every(([, reason]) => isHexbusError(reason, 'HEXBUS_REFUSED'))).toBe(true);
    await watch.until(() => every(1));
    for (const body of ['first cut', 'second cut']) {
      proxy.cut('reset');
      await publish(body);
      await watch.until(() => every(body === 'first cut' ? 2 : 3));
    }
    await publish('after');
    await watch.until(() => every(4));
    for (const topic of topics.slice(0, allowed))
      expect(seen.get(topic)).toEqual(['before', 'first cut', 'second cut', 'after']);
    expect(signals).toEqual([]);
    expect(closes.filter((code) => code === 1009 || code === 4500)).toEqual([]);
  });
});
