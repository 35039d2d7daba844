import type { BrowserContext, Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { bundleForPage, servePage, useChromium } from '../support/chromium.ts';

const code = `
import { createLocalStorageHistory } from '@hexbus/store-localstorage';

const retention = [{ kind: 'until-handled', pattern: 'wait.>', maxCount: 100000, maxAgeMs: Infinity, overflow: 'reject' }];
const deduplication = { maxIds: 10000, maxAgeMs: 300000 };
const nothing = { append: [], settle: [], commitCursors: [], deleteCursors: [] };
let history, epoch, count = 0;
const corrupt = [];
const read = async () =>
  (await history.read({ epoch, filter: ['wait.a'], range: { after: 0 }, limit: 1e6, maxBytes: Infinity, state: 'live' })).messages;

globalThis.inPage = {
  corrupt,
  async open(options) {
    history = createLocalStorageHistory({ onCorrupt: (item) => corrupt.push(item), ...options });
    const head = await history.open({ retention, deduplication });
    epoch = head.epoch;
    count = head.position;
    return head;
  },
  async put(messages, length) {
    const append = Array.from({ length: messages }, () => ({
      topic: 'wait.a', id: location.hash + ++count, body: JSON.stringify('x'.repeat(length)), deduplicate: true,
    }));
    const { appended } = await history.write({ ...nothing, epoch, append });
    return appended.map(({ status, reason }) => reason ?? status);
  },
  ids: async () => (await read()).map(({ id }) => id),
  async settle(messages) {
    const first = (await read()).slice(0, messages);
    for (const { position } of first) {
      await history.write({ ...nothing, epoch, settle: [{ outcome: 'handled', topic: 'wait.a', position }] });
    }
    return first.length;
  },
  close: () => history.close(),
};
document.title = 'ready';
`;

/** A busy machine takes its time to load a page. */
const patience = { timeout: 60_000 };
const browser = useChromium();
let bundle: string;
beforeAll(async () => {
  bundle = await bundleForPage(code);
});

interface Head {
  readonly epoch: string;
  readonly position: number;
}

/** What the script of a page offers. */
interface InPage {
  open(options?: { locks?: null; reloadWaitMs?: number }): Head;
  put(count: number, length: number): string[];
  ids(): string[];
  settle(count: number): number;
  close(): void;
}

/** A tab of a user, with the functions of its page. */
class Tab {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  async call<Name extends keyof InPage>(
    name: Name,
    ...args: Parameters<InPage[Name]>
  ): Promise<ReturnType<InPage[Name]>> {
    return this.page.evaluate(`inPage.${name}(...${JSON.stringify(args)})`);
  }

  corrupt(): Promise<unknown[]> {
    return this.page.evaluate('inPage.corrupt');
  }

  async reload(): Promise<void> {
    await this.page.reload();
    await expect.poll(() => this.page.title(), patience).toBe('ready');
  }
}

/** A user at a site, who opens tabs; the name of a tab is part of the ids of what is published there. */
async function newSite(): Promise<{ user: BrowserContext; tab: (name: string) => Promise<Tab> }> {
  const { url } = await servePage({ '/page.js': bundle });
  const user = await browser.newUser();
  const tab = async (name: string): Promise<Tab> => {
    const page = await user.newPage();
    await page.goto(`${url}/#${name}`);
    await expect.poll(() => page.title(), patience).toBe('ready');
    return new Tab(page);
  };
  return { user, tab };
}

describe.each<[string, { readonly locks?: null }]>([
  ['with Web Locks', {}],
  ['without Web Locks', { locks: null }],
])('a history in localStorage, %s', (_, options) => {
  test('is there again after each of many reloads', async () => {
    const { tab } = await newSite();
    const a = await tab('a');
    const { epoch } = await a.call('open', options);
    for (let round = 1; round <= 8; round++) {
      expect(await a.call('put', 1, 10)).toEqual(['appended']);
      await a.reload();
      expect(await a.call('open', options)).toEqual({ epoch, position: round });
    }
    expect(await a.call('ids')).toEqual(['#a1', '#a2', '#a3', '#a4', '#a5', '#a6', '#a7', '#a8']);
    expect(await a.corrupt()).toEqual([]);
  });

  test('belongs to one of two tabs', async () => {
    const { tab } = await newSite();
    const [a, b] = [await tab('a'), await tab('b')];
    await Promise.all([a.call('open', options), b.call('open', options)]);
    await Promise.all([a.call('put', 2, 10), b.call('put', 1, 10)]);
    await a.reload();
    await a.call('open', options);
    expect([await a.call('ids'), await b.call('ids')]).toEqual([['#a1', '#a2'], ['#b1']]);
  });

  test('of a tab that is closed goes to the next one that opens, once and in order', async () => {
    const { tab } = await newSite();
    const [a, b] = [await tab('a'), await tab('b')];
    for (const each of [a, b]) await each.call('open', options);
    await a.call('put', 1, 10);
    await b.call('put', 4, 10);
    await b.call('settle', 1);
    await b.page.close({ runBeforeUnload: true });
    await expect.poll(() => b.page.isClosed(), patience).toBe(true);
    await a.reload();
    const c = await tab('c');
    // At once where the browser tells them apart for certain: the one that was there before, and a new one.
    const opening = a.call('open', options);
    if (options.locks === null) await opening;
    await Promise.all([opening, c.call('open', options)]);
    const ids = [await a.call('ids'), await c.call('ids')];
    expect(ids.flat().sort()).toEqual(['#a1', '#b2', '#b3', '#b4']);
    expect(ids.flat().filter((id) => id.startsWith('#b'))).toEqual(['#b2', '#b3', '#b4']);
  });
});

test('what a tab that crashed left is adopted', async () => {
  const { user, tab } = await newSite();
  const [a, b] = [await tab('a'), await tab('b')];
  await a.call('open');
  await b.call('open');
  await b.call('put', 3, 10);
  const crashed = new Promise((resolve) => b.page.once('crash', resolve));
  const session = await user.newCDPSession(b.page);
  session.send('Page.crash').catch(() => undefined);
  await crashed;
  await a.reload();
  await a.call('open');
  expect(await a.call('ids')).toEqual(['#b1', '#b2', '#b3']);
});

test('a tab that is a copy of another one has a history of its own', async () => {
  const { tab } = await newSite();
  const a = await tab('a');
  await a.call('open');
  await a.call('put', 1, 10);
  const [copy] = await Promise.all([a.page.waitForEvent('popup'), a.page.evaluate('void open(location.href)')]);
  await expect.poll(() => copy.title(), patience).toBe('ready');
  const b = new Tab(copy);
  expect(await b.page.evaluate('sessionStorage.length')).toBe(1);
  await b.call('open', { reloadWaitMs: 100 });
  expect([await a.call('ids'), await b.call('ids')]).toEqual([['#a1'], []]);
});

test('a full localStorage refuses what has no room, and lets what waits be handled', async () => {
  const { tab } = await newSite();
  const a = await tab('a');
  await a.call('open');
  await a.page.evaluate("localStorage.setItem('of the page', 'x'.repeat(100_000))");
  const results = await a.call('put', 100, 100_000);
  const fitted = results.filter((result) => result === 'appended').length;
  expect(fitted).toBeGreaterThan(40);
  expect(results.slice(fitted)).toEqual(Array(100 - fitted).fill('history-full'));
  await a.reload();
  await a.call('open');
  const ids = await a.call('ids');
  expect(ids).toHaveLength(fitted);
  // Up to the last character: now not even the smallest key has room.
  await a.page.evaluate(
    "{ let size = 65536; for (let n = 0; size >= 1; n++) try { localStorage.setItem('f' + n, 'x'.repeat(size)) } catch { size = size >> 1 } }",
  );
  expect(await a.call('put', 1, 1)).toEqual(['history-full']);
  expect(await a.call('settle', 2)).toBe(2);
  expect(await a.call('put', 1, 100_000)).toEqual(['appended']);
  await a.reload();
  await a.call('open');
  expect(await a.call('ids')).toHaveLength(fitted - 1);
  expect(await a.page.evaluate("localStorage.getItem('of the page').length")).toBe(100_000);
  expect(await a.corrupt()).toEqual([]);
});
