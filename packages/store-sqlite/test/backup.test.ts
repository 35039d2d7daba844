import { copyFileSync, existsSync, rmSync } from 'node:fs';
import { type Bus, createBus } from '@hexbus/core';
import { createSqliteHistory } from '@hexbus/store-sqlite';
import { afterAll, describe, expect, test } from 'vitest';
import { drivers, temporaryDirectory } from './support.ts';

/** What the README says of backups, step by step. */

const directory = temporaryDirectory();
afterAll(directory.remove);

const topics = { 'order.>': { retain: { maxCount: 100 } }, mail: { retain: 'until-handled' } } as const;

describe.each(drivers)('on $name', ({ name, open: connect }) => {
  /** A bus on the file, by a connection that is closed with it. */
  async function open(file: string, newEpoch = false): Promise<{ bus: Bus; close: () => Promise<void> }> {
    const database = connect(file);
    const bus = createBus({ history: createSqliteHistory({ database }), topics });
    await bus.open({ newEpoch });
    const close = async (): Promise<void> => {
      await bus.close();
      database.close();
    };
    return { bus, close };
  }

  /** What a durable name and a held topic bring, with its resets, until nothing is left. */
  async function handleAll(bus: Bus): Promise<unknown[]> {
    const handled: unknown[] = [];
    const bill = bus.subscribe('order.*', ({ id }) => void handled.push(id), {
      name: 'billing',
      from: 'earliest',
      onReset: () => handled.push('reset'),
    });
    await bill.caughtUp();
    const mailer = bus.subscribe('mail', ({ id }) => void handled.push(id));
    await mailer.caughtUp();
    for (const subscription of [bill, mailer]) {
      subscription.unsubscribe();
      await subscription.done;
    }
    return handled;
  }

  test.each(['VACUUM INTO while it runs', 'a copy of the closed file'])('restored: %s', async (way) => {
    const label = `${name}-${way}`.replace(/\W/g, '-');
    const [file, copy] = [directory.file(`${label}.db`), directory.file(`${label}-copy.db`)];
    const before = await open(file);
    await before.bus.publish('order.created', 1, { id: 'first' });
    expect(await handleAll(before.bus)).toEqual(['first']);
    await before.bus.publish('mail', 1, { id: 'letter' });
    if (way.startsWith('VACUUM')) {
      const other = connect(file);
      other.exec(`VACUUM INTO '${copy}'`);
      other.close();
      await before.close();
    } else {
      await before.close();
      expect(['-wal', '-shm'].filter((end) => existsSync(`${file}${end}`))).toEqual([]);
      copyFileSync(file, copy);
    }

    const lost = await open(file);
    expect(await handleAll(lost.bus)).toEqual(['letter']);
    await lost.bus.publish('order.created', 2, { id: 'lost' });
    await lost.close();

    for (const end of ['', '-wal', '-shm']) rmSync(`${file}${end}`, { force: true });
    copyFileSync(copy, file);
    const restored = await open(file, true);
    expect(await handleAll(restored.bus)).toEqual(['reset', 'first', 'letter']);
    await restored.bus.publish('order.created', 3, { id: 'after' });
    await restored.close();

    const next = await open(file);
    expect(await handleAll(next.bus)).toEqual(['after']);
    await next.close();
  });
});
