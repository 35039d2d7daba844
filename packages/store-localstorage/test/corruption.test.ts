import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NoRoom } from './support/fake-storage.ts';
import { message, type Page, Site } from './support/site.ts';

async function closedPage(): Promise<{ site: Site; page: Page }> {
  const site = new Site();
  const page = site.page();
  const history = await page.open();
  await history.put('wait.a', 'a1', 'a2', 'a3');
  await history.put('few', 'f1', 'f2', 'f3');
  await history.settle('dead', 'wait.a', 2);
  const { epoch } = history.head;
  await history.write({ commitCursors: [{ name: 'billing', epoch, position: 1, filter: ['>'] }] });
  await history.settle('handled', 'wait.a', 1);
  await history.store.close();
  return { site, page };
}

const itemOf = (key: string): string => key.split('/').slice(3).join('/');
const everyItem = ['head', 'm/1', 'm/2', 'm/3', 'm/4', 'm/5', 'm/6', 'd/2', 'c/billing', 't/few'];

test('these are all kinds of items', async () => {
  const { site } = await closedPage();
  expect(new Set(site.keys.map(itemOf))).toEqual(new Set(everyItem));
});

describe.each(everyItem)('the item %s', (item) => {
  test('that is changed is told, kept under another key, and does not come back', async () => {
    const damage = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.record({ at: fc.nat(), by: fc.integer({ min: 1, max: 0xffff }) }),
      fc.record({ end: fc.nat() }),
    );
    await fc.assert(
      fc.asyncProperty(damage, async (drawn) => {
        const { site, page } = await closedPage();
        const key = site.keys.find((each) => itemOf(each) === item) as string;
        const value = site.items.get(key) as string;
        const damaged = damagedValue(value, drawn);
        if (damaged === value) return;
        site.items.set(key, damaged);
        const others = new Map([...site.items].filter(([each]) => each !== key));
        const next = site.page(page);
        const history = await next.open();
        expect(next.corrupt).toEqual([
          { key, setAsideAs: key.replace('hexbus/', 'hexbus-aside/'), reason: expect.any(String) },
        ]);
        expect(site.items.get(next.corrupt[0]?.setAsideAs ?? '')).toBe(damaged);
        for (const each of others.keys()) if (!each.endsWith('/head')) expect(site.items.has(each)).toBe(true);
        const lost = item === 'm/3' ? ['a3'] : [];
        expect(await history.ids('wait.a')).toEqual(['a3'].filter((id) => !lost.includes(id)));
        expect(await history.ids('wait.a', 'dead')).toEqual(item === 'm/2' ? [] : ['a2']);
        const [position] = await history.put('wait.a', 'new');
        expect(position).toBeGreaterThan(6);
        next.die();
        const last = site.page(next);
        const after = await last.open();
        expect(last.corrupt).toEqual([]);
        expect(after.head.epoch).toBe(history.head.epoch);
      }),
      { numRuns: 30 },
    );
  });

  test('that is missing never is a silent loss', async () => {
    const { site, page } = await closedPage();
    const key = site.keys.find((each) => itemOf(each) === item) as string;
    const { epoch } = JSON.parse(headOf(site)) as { epoch: string };
    site.items.delete(key);
    const next = site.page(page);
    const history = await next.open();
    const isMessage = item === 'head' || ['m/2', 'm/3', 'm/5', 'm/6'].includes(item);
    expect(next.corrupt).toEqual(
      isMessage
        ? [{ key: expect.stringContaining('/head'), setAsideAs: undefined, reason: expect.stringContaining('missing') }]
        : [],
    );
    // Positions no longer mean what they meant, and whoever follows is told by the epoch.
    expect(history.head.epoch === epoch).toBe(!isMessage);
  });
});

function headOf(site: Site): string {
  const key = site.keys.find((each) => itemOf(each) === 'head') as string;
  return (site.items.get(key) as string).slice(7);
}

function damagedValue(value: string, drawn: string | { at: number; by: number } | { end: number }): string {
  if (typeof drawn === 'string') return drawn;
  if ('end' in drawn) return value.slice(0, drawn.end % value.length);
  const at = drawn.at % value.length;
  return value.slice(0, at) + String.fromCharCode(value.charCodeAt(at) ^ drawn.by) + value.slice(at + 1);
}

describe('keys of others', () => {
  test('are never touched', async () => {
    const site = new Site();
    const foreign = [
      '',
      'theme',
      'hexbus',
      'hexbus/',
      'hexbus/hexbus',
      'hexbus/hexbusx/a/head',
      'hexbus/hexbus/x',
      'hexbus-aside/x',
      'hexbus/other/tab/m/1',
    ];
    for (const key of foreign) site.items.set(key, `value of ${key}`);
    for (let round = 0; round < 3; round++) {
      const page = site.page();
      const history = await page.open();
      await history.put('wait.a', `${round}`);
      expect(page.corrupt).toEqual([]);
      page.die();
    }
    for (const key of foreign) expect(site.items.get(key)).toBe(`value of ${key}`);
  });

  test('among the items of a tab are set aside, each under a key of its own', async () => {
    const { site, page } = await closedPage();
    const prefix = site.keys[0]?.split('/').slice(0, 3).join('/') ?? '';
    for (const item of ['x', 'm/x', 'm/01', 'z/1']) site.items.set(`${prefix}/${item}`, item);
    site.items.set(`${prefix.replace('hexbus/', 'hexbus-aside/')}/x`, 'an earlier one');
    const next = site.page(page);
    const { head } = await next.open();
    expect(next.corrupt.map(({ key, setAsideAs }) => [itemOf(key), site.items.get(setAsideAs ?? '')])).toEqual(
      expect.arrayContaining([
        ['x', 'x'],
        ['m/x', 'm/x'],
        ['m/01', 'm/01'],
        ['z/1', 'z/1'],
      ]),
    );
    expect(next.corrupt).toHaveLength(4);
    expect(head.epoch).toBe((JSON.parse(headOf(site)) as { epoch: string }).epoch);
  });
});

test('what cannot be set aside for want of room stays where it is, and is told', async () => {
  const { site, page } = await closedPage();
  const key = site.keys.find((each) => itemOf(each) === 'm/3') as string;
  site.items.set(key, 'damaged');
  const next = site.page(page);
  next.storage.quota = next.storage.used;
  const history = await next.open();
  expect(next.corrupt).toEqual([{ key, setAsideAs: undefined, reason: expect.any(String) }]);
  expect(site.items.get(key)).toBe('damaged');
  expect(await history.ids('wait.a', 'dead')).toEqual(['a2']);
});

test('a damaged head that cannot be set aside keeps the history from opening, and everything stays', async () => {
  const { site, page } = await closedPage();
  const key = site.keys.find((each) => itemOf(each) === 'head') as string;
  site.items.set(key, 'damaged');
  const before = [...site.items];
  const next = site.page(page);
  next.storage.quota = next.storage.used;
  await expect(next.open()).rejects.toMatchObject({ code: 'HEXBUS_HISTORY_FULL' });
  expect([...site.items]).toEqual(before);
});

describe.each(['own', undefined])('a closed tab', (tab) => {
  test('whose damaged head cannot be set aside keeps no other one from opening, and stays', async () => {
    const { site } = await closedPage();
    const key = site.keys.find((each) => itemOf(each) === 'head') as string;
    site.items.set(key, 'damaged');
    const before = [...site.items];
    const next = site.page();
    next.storage.beforeChange = refuseAside;
    const history = await next.open(tab === undefined ? {} : { tab });
    expect(await history.ids('wait.a')).toEqual([]);
    expect([...site.items]).toEqual(expect.arrayContaining(before));
  });

  test('that a newer version wrote keeps no other one from opening, and stays', async () => {
    const { site } = await closedPage();
    const { seal } = await import('../src/seal.ts');
    const key = site.keys.find((each) => itemOf(each) === 'head') as string;
    site.items.set(key, seal('head', JSON.stringify({ version: 2 })));
    const before = [...site.items];
    const history = await site.page().open(tab === undefined ? {} : { tab });
    expect(await history.ids('wait.a')).toEqual([]);
    expect([...site.items]).toEqual(expect.arrayContaining(before));
  });
});

function refuseAside(key: string): void {
  if (key.startsWith('hexbus-aside/')) throw new NoRoom('full');
}

test('what is damaged in a closed tab stays there as long as it cannot be set aside', async () => {
  const { site } = await closedPage();
  const key = site.keys.find((each) => itemOf(each) === 'm/5') as string;
  site.items.set(key, 'damaged');
  const page = site.page();
  page.storage.beforeChange = refuseAside;
  expect(await (await page.open({ tab: 'own' })).ids('wait.a')).toEqual(['a3']);
  expect(site.items.get(key)).toBe('damaged');
  page.die();
  expect(await (await site.page().open({ tab: 'own' })).ids('wait.a')).toEqual(['a3']);
  expect(site.items.get(key.replace('hexbus/', 'hexbus-aside/'))).toBe('damaged');
  expect(new Set(site.keys.map((each) => each.split('/')[2]))).toEqual(new Set(['@own', key.split('/')[2]]));
});

test('a listener that throws keeps nothing from opening', async () => {
  const { site, page } = await closedPage();
  for (const key of site.keys) if (itemOf(key) === 'm/3') site.items.set(key, 'damaged');
  const onCorrupt = () => {
    throw new Error('planted');
  };
  const history = await site.page(page).open({ onCorrupt });
  expect(await history.ids('wait.a')).toEqual([]);
});

test('what a newer version wrote is refused, and left as it is', async () => {
  const { site, page } = await closedPage();
  const { seal } = await import('../src/seal.ts');
  const key = site.keys.find((each) => itemOf(each) === 'head') as string;
  site.items.set(key, seal('head', JSON.stringify({ version: 2 })));
  const before = [...site.items];
  await expect(site.page(page).open()).rejects.toMatchObject({ code: 'HEXBUS_HISTORY_NEWER', retryable: false });
  expect([...site.items]).toEqual(before);
});

test('a storage that is cleared under an open history begins anew, in another epoch, and this is told', async () => {
  const site = new Site();
  const page = site.page();
  const history = await page.open();
  await history.put('wait.a', 'a');
  site.items.clear();
  const result = await history.write({ append: [message('wait.a', 'b')] });
  expect(result).toMatchObject({ applied: false, head: 0 });
  expect(result.epoch).not.toBe(history.head.epoch);
  expect(page.corrupt).toEqual([
    { key: expect.stringContaining('/head'), setAsideAs: undefined, reason: 'the storage was cleared' },
  ]);
  await history.store.close();
});
