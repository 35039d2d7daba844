import { createBus } from '@hexbus/core';
import { createSqliteHistory } from '@hexbus/store-sqlite';
import { openDataFolder } from '../../server/data-folder.ts';
import { type Events, topics } from '../../server/topics.ts';

/** Fills the folder of a switchboard as if it had run for long: its next number is above `last`, and so is the position of whatever is kept. */
export async function writeLongHistory(folder: string, last: number): Promise<void> {
  const bus = createBus<Events>({ history: createSqliteHistory({ file: openDataFolder(folder).history }), topics });
  await bus.open();
  const numbers = Array.from({ length: last }, (_, index) => index + 1);
  await Promise.all(numbers.map((number) => bus.publish('pulse.kept', { number })));
  await bus.close();
}
