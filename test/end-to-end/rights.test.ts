import type { Client } from '@hexbus/client';
import { createMemoryHistory } from '@hexbus/store-memory';
import { createSeededRandomness } from '@hexbus/testkit';
import { createChaosProxy } from '@hexbus/testkit/chaos';
import { describe, expect, onTestFinished, test } from 'vitest';
import { clientOf, openHouse } from './support/house.ts';
import { RawClient } from './support/raw-client.ts';
import { vias } from './support/via.ts';
import { Watch } from './support/watch.ts';

async function refused(client: Client, topic: string): Promise<void> {
  const subscription = client.subscribe(topic, () => expect.unreachable());
  await expect(subscription.ready).rejects.toMatchObject({ code: 'HEXBUS_REFUSED' });
  await subscription.done;
}

describe.each(vias)('over %s', (via) => {
  test('without authorize a client follows nothing by name and publishes nothing', async () => {
    const { bus, port } = await openHouse({ gateway: { authorize: undefined } });
    const client = clientOf(via, port);
    await client.open();
    for (const topic of ['news', 'news.*', '>', '@all', `@session.${client.session}`]) await refused(client, topic);
    await expect(client.publish('news', 1)).rejects.toMatchObject({ code: 'HEXBUS_REFUSED' });
    expect((await bus.read('>', { limit: 10 })).messages).toEqual([]);
  });

  test('a client never follows or publishes to an address by name, whatever authorize says', async () => {
    const { gateway, port } = await openHouse({ gateway: { authenticateToken: (userId) => ({ userId }) } });
    const client = clientOf(via, port, { token: 'eve' });
    const seen: unknown[] = [];
    client.on('note', ({ body }) => void seen.push(body));
    await client.open();
    for (const topic of ['@user.ann', '@user.*', '@all', '@session.>']) await refused(client, topic);
    await expect(client.publish('@user.ann', 1)).rejects.toMatchObject({ code: 'HEXBUS_REFUSED' });
    expect((await gateway.post({ user: 'ann' }, 'note', 'for ann')).receivers).toBe(0);
    expect(seen).toEqual([]);
  });

  test('once a revocation has resolved, nothing of the topic is sent any more, also to whoever resumes', async () => {
    const allowed = new Set(['open', 'closed', '>']);
    const { bus, gateway, port } = await openHouse({
      bus: { history: createMemoryHistory(), topics: { '>': { retain: { maxCount: 1_000 } } } },
      gateway: { authenticateToken: (userId) => ({ userId }), authorize: ({ topic }) => allowed.has(topic) },
    });
    const proxy = await createChaosProxy({ target: { port }, randomness: createSeededRandomness(1) });
    onTestFinished(() => proxy.close());
    const client = clientOf(via, proxy.port, { token: 'ann' });
    const watch = new Watch();
    const seen: string[] = [];
    const note = ({ topic, body }: { topic: string; body: unknown }): void => {
      seen.push(`${topic} ${body}`);
      watch.changed();
    };
    const closed = client.subscribe('closed', note);
    client.subscribe('open', note);
    await client.open();
    await closed.ready;
    const raw = new RawClient(via, port);
    const { session, secret, token } = await raw.enter({
      token: 'ann',
      subs: [
        [1, 'closed'],
        [2, '>'],
        [3, 'open'],
      ],
    });
    await raw.next((frame) => frame[0] === 8 && frame[1] === 3);

    await bus.publish('closed', 1);
    await bus.publish('open', 1);
    await watch.until(() => seen.length === 2);

    allowed.delete('closed');
    allowed.delete('>');
    expect(await gateway.revoke({ user: 'ann' }, 'closed')).toBe(3);
    await bus.publish('closed', 2);
    await bus.publish('open', 2);
    await raw.next((frame) => frame[0] === 5 && frame[2] === 'open' && frame[4] === 2);
    await watch.until(() => seen.includes('open 2'));
    expect(closed.state).toBe('failed');

    proxy.cut();
    await bus.publish('closed', 3);
    await bus.publish('open', 3);
    await watch.until(() => seen.includes('open 3'));
    expect(seen).toEqual(['closed 1', 'open 1', 'open 2', 'open 3']);
    const events = raw.frames.filter(([type]) => type === 5 || type === 17);
    expect(JSON.stringify(events)).not.toMatch(/"closed",null,[23]/);

    // Somebody who resumes the session by hand, and asks for it as covered.
    const again = new RawClient(via, port);
    await again.enter({
      token: 'ann',
      resume: { session, secret, token },
      subs: [
        [1, 'closed', 'covered'],
        [2, '>', 'earliest'],
        [3, 'open', 'earliest'],
      ],
    });
    await again.next((frame) => (frame[0] === 5 || frame[0] === 17) && JSON.stringify(frame).includes('"open",null,3'));
    expect(again.frames.filter(([type]) => type === 9).map(([, id]) => id)).toEqual([1, 2]);
    expect(JSON.stringify(again.frames)).not.toContain('"closed"');
  });
});
