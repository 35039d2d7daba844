import { join } from 'node:path';
import { createSqliteHistory } from '@hexbus/store-sqlite';
import BetterSqlite from 'better-sqlite3';
import { bodyOf, stepOf } from '../bodies.ts';
import type { Contestant, Scenario } from '../harness.ts';
import { timed } from '../measure.ts';
import { openRetainedBus } from '../retained-bus.ts';
import { inScratchFolder } from '../scratch-files.ts';
import { drivers } from '../sqlite-peers.ts';

const pageSize = 1000;
const oneTopic = '1 topic';
const pattern = '1,000 topics, a pattern';

/** A file with so many messages, written by a history. */
async function fill(file: string, messages: number, topics: number): Promise<void> {
  const history = createSqliteHistory({ file, durability: 'os' });
  const bus = await openRetainedBus(history, 10_000_000);
  for (let index = 0; index < messages; ) {
    let last: Promise<unknown> | undefined;
    for (const end = Math.min(messages, index + 1000); index < end; index++) {
      last = bus.publish(`order.created.${index % topics}`, bodyOf(index));
    }
    await last;
  }
  await bus.close();
}

/** Replays everything, calling `see` with each body in order. */
type Replay = (see: (body: unknown) => void, messages: number) => void | Promise<void>;

/** Replays once to warm up and then five times; checks that every message came in order. */
function replaying(open: (file: string, filter: string) => Promise<{ replay: Replay; close(): unknown }>): Contestant {
  return (variant, { quick }) =>
    inScratchFolder(async (folder) => {
      const messages = quick ? 1000 : 100_000;
      const file = join(folder, 'hexbus.db');
      await fill(file, messages, variant === pattern ? 1000 : 1);
      const { replay, close } = await open(file, variant === pattern ? 'order.>' : 'order.created.0');
      const figures: number[] = [];
      for (let time = 0; time < (quick ? 1 : 6); time++) {
        let seen = 0;
        const see = (body: unknown): void => {
          if (stepOf(body) !== seen) throw new Error(`message ${seen} was expected, not ${stepOf(body)}`);
          seen++;
        };
        figures.push(await timed(() => replay(see, messages), messages));
        if (seen !== messages) throw new Error(`${seen} messages came, not ${messages}`);
      }
      await close();
      return Math.min(...figures);
    });
}

const columns = 'position, topic_id, time, id, type, body, attributes';
const query = `SELECT ${columns} FROM messages WHERE position > ? ORDER BY position LIMIT ${pageSize}`;

interface Row {
  readonly position: number;
  readonly body: string;
}

const floor = 'texts in memory, parsed (floor)';
const raw = 'better-sqlite3 raw().all(), parsed';

export const sqliteReplay: Scenario = {
  name: 'replay',
  title: 'replay 100,000 messages from SQLite',
  unit: 'ns per message',
  about: `Bodies of 256 bytes, each parsed and looked at. The peers read all columns of the table of the history in pages of ${pageSize.toLocaleString('en-US')}, whatever the topic. The best of five replays in one process.`,
  variants: [oneTopic, pattern],
  contestants: {
    [floor]: replaying(async () => {
      const texts: string[] = [];
      const replay: Replay = (see, messages) => {
        for (let index = texts.length; index < messages; index++) texts.push(JSON.stringify(bodyOf(index)));
        for (const text of texts) see(JSON.parse(text));
      };
      return { replay, close: () => undefined };
    }),
    'node:sqlite all(), parsed': replaying(async (file) => {
      const database = drivers['node:sqlite'](file);
      const select = database.prepare(query);
      const replay: Replay = (see) => {
        for (let position = 0; ; ) {
          const rows = select.all(position) as Row[];
          for (const row of rows) see(JSON.parse(row.body));
          if (rows.length < pageSize) return;
          position = (rows.at(-1) as Row).position;
        }
      };
      return { replay, close: () => database.close() };
    }),
    [raw]: replaying(async (file) => {
      const database = new BetterSqlite(file);
      const select = database.prepare(query).raw();
      const replay: Replay = (see) => {
        for (let position = 0; ; ) {
          const rows = select.all(position) as unknown[][];
          for (const row of rows) see(JSON.parse(row[5] as string));
          if (rows.length < pageSize) return;
          position = rows.at(-1)?.[0] as number;
        }
      };
      return { replay, close: () => database.close() };
    }),
    'hexbus bus.read, pages of 1,000': replaying(async (file, filter) => {
      const bus = await openRetainedBus(createSqliteHistory({ file }), 10_000_000);
      const replay: Replay = async (see) => {
        let page = await bus.read(filter, { limit: pageSize });
        for (;;) {
          for (const message of page.messages) see(message.body);
          if (page.cursor === page.head) return;
          page = await bus.read(filter, { limit: pageSize, after: page.cursor });
        }
      };
      return { replay, close: () => bus.close() };
    }),
    'hexbus subscription from earliest': replaying(async (file, filter) => {
      const bus = await openRetainedBus(createSqliteHistory({ file }), 10_000_000);
      const replay: Replay = async (see) => {
        const subscription = bus.subscribe(filter, (message) => see(message.body), { from: 'earliest' });
        await subscription.caughtUp();
        subscription.unsubscribe();
      };
      return { replay, close: () => bus.close() };
    }),
  },
  goals: ['hexbus bus.read, pages of 1,000', 'hexbus subscription from earliest'].flatMap((contestant) => [
    { contestant, variant: oneTopic, against: { contestant: floor }, atMost: 1 / 0.9, note: 'with packed rows' },
    { contestant, variant: oneTopic, against: { contestant: raw }, atMost: 1 / 1.7, note: 'with packed rows' },
  ]),
  rounds: 3,
};
