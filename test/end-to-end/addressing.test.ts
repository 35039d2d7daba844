import type { Client } from '@hexbus/client';
import { createMemoryHistory } from '@hexbus/store-memory';
import { describe, expect, test } from 'vitest';
import { clientOf, type House, openHouse } from './support/house.ts';
import { type Via, vias } from './support/via.ts';
import { Watch } from './support/watch.ts';

/** A client of a user, and the notes that reached it. */
class Reader {
  readonly client: Client;
  readonly notes: unknown[] = [];
  readonly watch: Watch = new Watch();

  constructor(via: Via, { port }: House, user: string) {
    this.client = clientOf(via, port, { token: user });
    this.client.on('note', ({ body }) => {
      this.notes.push(body);
      this.watch.changed();
    });
  }

  async got(...notes: unknown[]): Promise<void> {
    await this.watch.until(() => this.notes.length >= notes.length);
    expect(this.notes).toEqual(notes);
  }
}

async function openNamed(topics: Parameters<typeof openHouse>[0] = {}): Promise<House> {
  return openHouse({
    ...topics,
    gateway: { authenticateToken: (userId) => ({ userId }), timings: { userCursorMs: 1 } },
  });
}

const kept = () =>
  ({ history: createMemoryHistory(), topics: { '@user.>': { retain: { maxCount: 1_000 } } } }) as const;

describe.each(vias)('over %s', (via) => {
  test.each([
    ['retained', kept()],
    ['not retained', {}],
  ])('a message reaches whom it is addressed to and nobody else, %s', async (_, bus) => {
    const house = await openNamed({ bus });
    const { gateway } = house;
    const [first, second, other] = [
      new Reader(via, house, 'ann'),
      new Reader(via, house, 'ann'),
      new Reader(via, house, 'bob'),
    ];
    await Promise.all([first, second, other].map(({ client }) => client.open()));
    expect((await gateway.connections.find()).map(({ transport }) => transport)).toEqual([via, via, via]);
    const session = first.client.session ?? '';
    const connection = second.client.connection ?? '';

    expect((await gateway.post({ user: 'ann' }, 'note', 'for ann')).receivers).toBe(2);
    expect((await gateway.post({ session }, 'note', 'for a session')).receivers).toBe(1);
    expect((await gateway.post({ connection }, 'note', 'for a connection')).receivers).toBe(1);
    expect((await gateway.post({ user: 'eve' }, 'note', 'for nobody')).receivers).toBe(0);
    expect((await gateway.post({ all: true }, 'note', 'for all')).receivers).toBe(3);
    // The last one ends each log, so nothing else may be on its way.
    await first.watch.until(() => first.notes.includes('for all'));
    await second.watch.until(() => second.notes.includes('for all'));
    await other.got('for all');
    expect(new Set(first.notes)).toEqual(new Set(['for ann', 'for a session', 'for all']));
    expect(new Set(second.notes)).toEqual(new Set(['for ann', 'for a connection', 'for all']));
    expect([first.notes.length, second.notes.length]).toEqual([3, 3]);
  });

  test('what a user missed reaches her first tab, once and in order, and no tab that comes after it was acknowledged', async () => {
    const house = await openNamed({ bus: kept() });
    const { bus, gateway } = house;
    for (const body of [1, 2, 3]) expect((await gateway.post({ user: 'ann' }, 'note', body)).receivers).toBe(0);
    await gateway.post({ user: 'bob' }, 'note', 'for bob');

    const first = new Reader(via, house, 'ann');
    await first.client.open();
    await first.got(1, 2, 3);
    await gateway.post({ user: 'ann' }, 'note', 4);
    await first.got(1, 2, 3, 4);
    // Closing acknowledges what was handled.
    await first.client.close();

    const second = new Reader(via, house, 'ann');
    await second.client.open();
    await gateway.post({ user: 'ann' }, 'note', 5);
    await second.got(5);

    const third = new Reader(via, house, 'ann');
    await third.client.open();
    await gateway.post({ user: 'ann' }, 'note', 6);
    await second.got(5, 6);
    await third.watch.until(() => third.notes.includes(6));
    expect(third.notes.at(-1)).toBe(6);
    expect(bus.state).toBe('open');
  });
});
