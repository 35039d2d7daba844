import {
  createLocalStorageHistory,
  type LocalStorageHistoryOptions,
  localStorageHistoryDefaults,
  type WebLocks,
} from '@hexbus/store-localstorage';
import { afterEach, describe, expect, test } from 'vitest';
import { FakeLocks, LockTable } from './support/fake-locks.ts';
import { FakeStorage } from './support/fake-storage.ts';
import { Opened, policies, Site } from './support/site.ts';

const opening = { retention: policies, deduplication: { maxIds: 10, maxAgeMs: 1000 } };

test.each<[keyof LocalStorageHistoryOptions, unknown]>([
  ['name', ''],
  ['name', 7],
  ['name', '\ud800'],
  ['tab', ''],
  ['tab', 'a\udc00'],
  ['reloadWaitMs', -1],
  ['settleMs', Number.NaN],
  ['leaseMs', '5'],
  ['leaseMs', Number.POSITIVE_INFINITY],
])('a %s that does not fit (%s) is refused when the history is made', (field, value) => {
  expect(() => createLocalStorageHistory({ [field]: value })).toThrow(
    expect.objectContaining({ code: 'HEXBUS_CONFIG', message: expect.stringContaining(field) }),
  );
});

test('the defaults are these', () => {
  expect(localStorageHistoryDefaults).toEqual({ name: 'hexbus', reloadWaitMs: 1000, settleMs: 50, leaseMs: 300_000 });
});

test('making a history touches nothing', () => {
  const storage = new FakeStorage();
  createLocalStorageHistory({ storage, session: storage });
  expect(storage.items.size).toBe(0);
});

test('what a browser has fits the types', () => {
  const inPage = () => createLocalStorageHistory({ storage: localStorage, locks: navigator.locks });
  expect(inPage).toBeTypeOf('function');
});

describe('what the page has', () => {
  const names = ['localStorage', 'sessionStorage', 'navigator'] as const;
  const before = new Map(names.map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)]));

  function give(name: (typeof names)[number], get: () => unknown): void {
    Object.defineProperty(globalThis, name, { configurable: true, get });
  }

  afterEach(() => {
    for (const [name, descriptor] of before) {
      if (descriptor === undefined) Reflect.deleteProperty(globalThis, name);
      else Object.defineProperty(globalThis, name, descriptor);
    }
  });

  test('is used where no option says otherwise, and found again by the next page of the tab', async () => {
    const [local, session, table] = [new FakeStorage(), new FakeStorage(), new LockTable()];
    give('localStorage', () => local);
    give('sessionStorage', () => session);
    give('navigator', () => ({ locks: new FakeLocks(table) satisfies WebLocks }));
    const first = createLocalStorageHistory();
    const { epoch } = await first.open(opening);
    expect([...table.holders.keys()]).toEqual([[...local.items.keys()][0]?.replace(/head$/, '').slice(0, -1)]);
    await first.close();
    expect(table.holders.size).toBe(0);
    expect((await createLocalStorageHistory().open(opening)).epoch).toBe(epoch);
    expect([...session.items.keys()]).toEqual(['hexbus-tab/hexbus']);
  });

  test('that has no localStorage, or refuses it, is told as HEXBUS_UNSUPPORTED', async () => {
    give('localStorage', () => undefined);
    await expect(createLocalStorageHistory().open(opening)).rejects.toMatchObject({ code: 'HEXBUS_UNSUPPORTED' });
    give('localStorage', () => {
      throw new Error('access denied');
    });
    await expect(createLocalStorageHistory().open(opening)).rejects.toMatchObject({
      code: 'HEXBUS_UNSUPPORTED',
      cause: { message: 'access denied' },
    });
  });

  test('that refuses sessionStorage has the tab found among the closed ones', async () => {
    give('sessionStorage', () => {
      throw new Error('access denied');
    });
    const storage = new FakeStorage();
    const options = { storage, locks: new FakeLocks(new LockTable()), settleMs: 0 };
    const first = createLocalStorageHistory(options);
    const { epoch } = await first.open(opening);
    await first.close();
    expect((await createLocalStorageHistory(options).open(opening)).epoch).toBe(epoch);
  });
});

test('histories of two names share a storage and nothing else', async () => {
  const page = new Site().page();
  const [one, two] = [await page.open({ name: 'one' }), await page.open({ name: 'two/*' })];
  await one.put('wait.a', 'a');
  expect(await two.ids('wait.a')).toEqual([]);
  page.die();
});

test('a history that is closed while it opens lets go of what it took', async () => {
  const site = new Site();
  const page = site.page();
  const store = page.create();
  const opened = store.open(opening);
  const closed = store.close();
  await expect(opened).rejects.toMatchObject({ code: 'HEXBUS_CLOSED' });
  await closed;
  expect(site.table.holders.size).toBe(0);
  const again = new Opened(page.create(), { epoch: '', position: 0 });
  await expect(again.store.open(opening)).resolves.toMatchObject({ position: 0 });
});

test('an opening that is aborted on its way lets go of what it took', async () => {
  const site = new Site();
  const left = site.page();
  await (await left.open()).put('wait.a', 'a');
  left.die();
  const controller = new AbortController();
  const page = site.page();
  const setTimer = site.clock.setTimer;
  site.clock = {
    ...site.clock,
    setTimer: (callback, delayMs) => {
      controller.abort(new Error('enough'));
      return setTimer(callback, delayMs);
    },
  };
  const before = [...site.items];
  const store = page.create();
  await expect(store.open({ ...opening, signal: controller.signal })).rejects.toThrow('enough');
  expect([...site.items]).toEqual(before);
  expect(site.table.holders.size).toBe(0);
});

/** A site where another page stands still while it opens. */
function busySite(): { site: Site; end: () => Promise<unknown> } {
  const site = new Site();
  let free = (): void => undefined;
  const holding = new FakeLocks(site.table).request(
    'hexbus/hexbus/',
    {},
    () => new Promise<void>((resolve) => (free = resolve)),
  );
  const end = () => {
    free();
    return holding;
  };
  return { site, end };
}

test('an opening that waits for another one can be aborted', async () => {
  const { site, end } = busySite();
  const controller = new AbortController();
  const opened = site
    .page()
    .create()
    .open({ ...opening, signal: controller.signal });
  while (site.table.queues.size === 0) await undefined;
  controller.abort(new Error('enough'));
  await expect(opened).rejects.toThrow('enough');
  await end();
  expect(site.items.size).toBe(0);
});

test('a history that is closed while its opening waits for another one does not wait any longer', async () => {
  const { site, end } = busySite();
  const store = site.page().create();
  const opened = store.open(opening).catch((error: unknown) => error);
  while (site.table.queues.size === 0) await undefined;
  await store.close();
  expect(await opened).toMatchObject({ code: 'HEXBUS_CLOSED' });
  await end();
  expect([site.items.size, site.table.holders.size]).toEqual([0, 0]);
});

test('an opening that waits for its former page can be aborted', async () => {
  const site = new Site();
  const page = site.page();
  await page.open();
  site.clock = { now: () => site.now, setTimer: () => () => undefined };
  const controller = new AbortController();
  const opened = site
    .page(page)
    .create()
    .open({ ...opening, signal: controller.signal });
  while (site.table.queues.get([...site.table.holders.keys()][0] ?? '') === undefined) await undefined;
  controller.abort(new Error('enough'));
  await expect(opened).rejects.toThrow('enough');
  page.die();
  expect(site.table.holders.size).toBe(0);
});
