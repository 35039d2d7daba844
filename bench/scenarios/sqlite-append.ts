import { join } from 'node:path';
import { createSqliteHistory } from '@hexbus/store-sqlite';
import { bodyOf } from '../bodies.ts';
import type { Contestant, Goal, Scenario } from '../harness.ts';
import { timed } from '../measure.ts';
import { openRetainedBus } from '../retained-bus.ts';
import { inScratchFolder } from '../scratch-files.ts';
import { type Appender, type Durability, drivers, handWritten, rawFile } from '../sqlite-peers.ts';

/** How many batches of a size are appended: enough for several checkpoints of the write-ahead log. */
const batchesOf: Readonly<Record<number, number>> = { 1: 2_000, 10: 1_000, 100: 300, 1000: 60 };

type Open = (folder: string, durability: Durability, topics: number) => Appender | Promise<Appender>;

function appending(topics: number, open: Open): Contestant {
  return (variant, { quick }) =>
    inScratchFolder(async (folder) => {
      const [durability, size] = variant.split(', ') as [Durability, string];
      const batchSize = Number(size);
      const appender = await open(folder, durability, topics);
      let next = 0;
      const append = async (batches: number): Promise<void> => {
        for (let batch = 0; batch < batches; batch++) {
          await appender.append(next, next + batchSize);
          next += batchSize;
        }
      };
      const batches = quick ? 1 : (batchesOf[batchSize] ?? 1);
      await append(quick ? 1 : batches >> 2);
      const figure = await timed(append, batches);
      await appender.close();
      return figure / batchSize / 1000;
    });
}

function topicOf(index: number, topics: number): string {
  return `order.created.${index % topics}`;
}

const historyWrite: Open = async (folder, durability, topics) => {
  const history = createSqliteHistory({ file: join(folder, 'hexbus.db'), durability });
  const retention = [
    { kind: 'limits', pattern: '>', maxCount: 10_000_000, maxAgeMs: Number.POSITIVE_INFINITY },
  ] as const;
  const { epoch } = await history.open({ retention, deduplication: { maxIds: 10_000, maxAgeMs: 300_000 } });
  return {
    async append(from, to) {
      const append = [];
      for (let index = from; index < to; index++) {
        const body = JSON.stringify(bodyOf(index));
        append.push({ topic: topicOf(index, topics), id: `id-${index.toString(36)}`, body, deduplicate: false });
      }
      const { appended } = await history.write({ epoch, append, settle: [], commitCursors: [], deleteCursors: [] });
      if (appended.length !== to - from) throw new Error('not everything was appended');
    },
    close: () => history.close(),
  };
};

const busPublish: Open = async (folder, durability, topics) => {
  const history = createSqliteHistory({ file: join(folder, 'hexbus.db'), durability });
  const bus = await openRetainedBus(history, 10_000_000);
  return {
    append(from, to) {
      let last: Promise<unknown> = Promise.resolve();
      for (let index = from; index < to; index++) last = bus.publish(topicOf(index, topics), bodyOf(index));
      return last;
    },
    close: () => bus.close(),
  };
};

const variants = (['commit', 'os'] as const).flatMap((durability) =>
  [1, 10, 100, 1000].map((size) => `${durability}, ${size}`),
);
const raw = 'raw append, fdatasync (floor)';
const handLoop = 'loop by hand, node:sqlite';

function goals(): Goal[] {
  const hexbus = ['hexbus history.write', 'hexbus bus.publish'];
  return hexbus.flatMap((contestant) => [
    { contestant, variant: 'commit, 100', against: { contestant: raw }, atMost: 1 / 0.35 },
    ...variants
      .filter((variant) => variant.startsWith('commit'))
      .map((variant) => ({ contestant, variant, against: { contestant: handLoop }, atMost: 1 / 0.9 })),
    { contestant, variant: 'commit, 1', against: { contestant: raw }, atMost: 1 / 1.2, note: 'later, packed rows' },
    { contestant, variant: 'commit, 100', against: { contestant: raw }, atMost: 1 / 1.1, note: 'later, packed rows' },
    { contestant, variant: 'commit, 1000', against: { contestant: raw }, atMost: 1 / 0.75, note: 'later, packed rows' },
  ]);
}

export const sqliteAppend: Scenario = {
  name: 'append',
  title: 'append to SQLite, one topic',
  unit: 'us per message',
  about:
    'Bodies of 256 bytes as JSON. Columns: what a batch survives (`commit`: a power cut, `os`: the end of the process) and its size. A batch of `bus.publish` is published in one turn, ' +
    'and its last publish awaited. Every contestant encodes its bodies. The loops by hand have the columns and the index of the history. The floor does not flush with `os`.',
  variants,
  contestants: {
    [raw]: appending(1, rawFile),
    [handLoop]: appending(1, (folder, durability, topics) =>
      handWritten(folder, durability, drivers['node:sqlite'], topics),
    ),
    'loop by hand, better-sqlite3': appending(1, (folder, durability, topics) =>
      handWritten(folder, durability, drivers['better-sqlite3'], topics),
    ),
    'hexbus history.write': appending(1, historyWrite),
    'hexbus bus.publish': appending(1, busPublish),
  },
  goals: goals(),
  rounds: 3,
};

const one = 'hexbus bus.publish, 1 topic';
const loop = 'loop by hand, node:sqlite, 1,000 topics';
const thousand = 'hexbus bus.publish, 1,000 topics';

export const sqliteAppendTopics: Scenario = {
  name: 'append-topics',
  title: 'append to SQLite, 1,000 topics in turn',
  unit: 'us per message',
  about: 'As above; each message is of the next topic.',
  variants,
  contestants: {
    [one]: appending(1, busPublish),
    [loop]: appending(1000, (folder, durability, topics) =>
      handWritten(folder, durability, drivers['node:sqlite'], topics),
    ),
    [thousand]: appending(1000, busPublish),
  },
  goals: variants
    .filter((variant) => variant.startsWith('commit'))
    .flatMap((variant) => [
      { contestant: thousand, variant, against: { contestant: one }, atMost: 1.15, note: 'later, packed rows' },
      { contestant: thousand, variant, against: { contestant: loop }, atMost: 1 / 0.9 },
    ]),
  rounds: 3,
};
