import { mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Bus, type Cursor, createBus } from '@hexbus/core';
import { createSqliteHistory } from '@hexbus/store-sqlite';
import { type Events, topics } from './topics.ts';

/** Opens a bus on the history in `file`, an empty one with `reset`. */
export async function openBus(file: string, reset: boolean): Promise<Bus<Events>> {
  mkdirSync(dirname(file), { recursive: true });
  if (reset) await removeHistory(file);
  const bus = createBus<Events>({ history: createSqliteHistory({ file }), topics });
  await bus.open();
  return bus;
}

/** Opens it first: that refuses a file that another program uses, or that holds something else. */
async function removeHistory(file: string): Promise<void> {
  const bus = createBus({ history: createSqliteHistory({ file }) });
  await bus.open();
  await bus.close();
  for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
}

/** How many records follow a cursor. */
export async function countRecords(bus: Bus<Events>, after: Cursor): Promise<number> {
  let count = 0;
  let page = await bus.read('record.>', { after, limit: 1_000 });
  while (page.messages.length > 0) {
    count += page.messages.length;
    page = await bus.read('record.>', { after: page.cursor, limit: 1_000 });
  }
  return count;
}
