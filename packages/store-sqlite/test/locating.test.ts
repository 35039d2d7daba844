import { createSqliteHistory, type SqliteDatabase } from '@hexbus/store-sqlite';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { drivers, type Opened, open, temporaryDirectory } from './support.ts';

// What a start costs where a pattern has many topics: nobody else's turn comes while it is looked for.
const directory = temporaryDirectory();

const topicCount = 1_000;
const messagesPerTopic = 40;
const total = topicCount * messagesPerTopic;
/** A pattern is looked up row by row first, up to a bound. */
const scanned = 5_000;

let history: Opened;
let rowsRead = 0;
let sorted = 0;

/** Counts the rows that a connection gives. */
function counted(database: SqliteDatabase): SqliteDatabase {
  return {
    exec: (sql) => database.exec(sql),
    close: () => database.close(),
    prepare(sql) {
      const statement = database.prepare(sql);
      const { setReturnArrays, raw } = statement;
      return {
        run: (...values) => statement.run(...values),
        get: (...values) => statement.get(...values),
        all(...values) {
          const rows = statement.all(...values);
          rowsRead += rows.length;
          return rows;
        },
        ...(setReturnArrays === undefined ? {} : { setReturnArrays: setReturnArrays.bind(statement) }),
        ...(raw === undefined ? {} : { raw: raw.bind(statement) }),
      };
    },
  };
}

function countSorted(prototype: { sort(compare?: unknown): unknown }): void {
  const { sort } = prototype;
  vi.spyOn(prototype, 'sort').mockImplementation(function (this: ArrayLike<unknown>, compare) {
    sorted += this.length;
    return sort.call(this, compare);
  });
}

async function locate(last: number): Promise<number> {
  rowsRead = 0;
  sorted = 0;
  countSorted(Array.prototype as never);
  countSorted(Object.getPrototypeOf(Float64Array.prototype) as never);
  const { store, head } = history;
  const { start } = await store.locate({ epoch: head.epoch, filter: ['order.*'], from: { last } });
  return start;
}

beforeAll(async () => {
  const database = counted(drivers[0].open(directory.file('locating.db')));
  history = await open(createSqliteHistory({ database, durability: 'os' }));
  const ids = Array.from({ length: messagesPerTopic }, (_, index) => `m${index}`);
  for (let topic = 0; topic < topicCount; topic++) await history.append(`order.k${topic}`, ...ids);
});

afterEach(() => {
  vi.restoreAllMocks();
});

afterAll(async () => {
  await history.store.close();
  directory.remove();
});

test.each([scanned - 1, scanned + 1, 7_777, total / 2, total - 1])(
  'the place before the last %d is found by reading and sorting each place a few times at the most',
  async (last) => {
    expect(await locate(last)).toBe(total - last);
    expect(rowsRead).toBeLessThan(total + scanned + 3 * topicCount);
    expect(sorted).toBeLessThan(3 * total);
  },
);

test.each([total, total + 1, Number.MAX_SAFE_INTEGER])(
  'the last %d are all of them, which is told without reading their places',
  async (last) => {
    expect(await locate(last)).toBe(0);
    expect(rowsRead).toBeLessThan(2 * scanned + 3 * topicCount);
    expect(sorted).toBe(0);
  },
);

test('where the newest topics have what is wanted, the others are hardly read', async () => {
  const last = 2 * scanned;
  expect(await locate(last)).toBe(total - last);
  expect(rowsRead).toBeLessThan(scanned + 2 * last + 3 * topicCount);
});
