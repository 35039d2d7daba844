import { createVirtualClock } from '@hexbus/testkit';
import { describe, expect, test } from 'vitest';
import { dieAfter } from './support/fake-storage.ts';
import { message, type Opened, type Page, policies, Site } from './support/site.ts';

/** Two open tabs, the second of which is closed with messages that wait. */
async function twoTabs(): Promise<{ site: Site; first: Opened; mine: Page; theirs: Page }> {
  const site = new Site();
  const [mine, second] = [site.page(), site.page()];
  const first = await mine.open();
  const left = await second.open();
  await first.put('wait.a', 'a1', 'a2');
  site.now += 1000;
  await left.put('wait.a', 'b1', 'b2', 'b3', 'b4');
  await left.settle('handled', 'wait.a', 1);
  await left.settle('dead', 'wait.a', 3);
  second.die();
  return { site, first, mine, theirs: second };
}

describe('a tab', () => {
  test('finds its history again after a reload, whole', async () => {
    const site = new Site();
    const page = site.page();
    const before = await page.open();
    await before.put('wait.a', 'a');
    await before.put('other', 'o');
    page.die();
    const after = await site.page(page).open();
    expect(after.head).toEqual({ epoch: before.head.epoch, position: 2 });
    expect(await after.ids('wait.a')).toEqual(['a']);
    expect(await after.ids('other')).toEqual(['o']);
  });

  test('has a history of its own beside those of others', async () => {
    const site = new Site();
    const [one, two] = [await site.page().open(), await site.page().open()];
    await Promise.all([one.put('wait.a', 'one'), two.put('wait.a', 'two')]);
    expect([await one.ids('wait.a'), await two.ids('wait.a')]).toEqual([['one'], ['two']]);
  });

  test('that is a copy of another one begins anew, and leaves that one alone', async () => {
    const site = new Site();
    const page = site.page();
    const original = await page.open();
    await original.put('wait.a', 'a');
    const copy = await site.page(page).open();
    expect(await copy.ids('wait.a')).toEqual([]);
    expect(await original.ids('wait.a')).toEqual(['a']);
  });

  test('waits for its former page to let go', async () => {
    const site = new Site();
    const page = site.page();
    await (await page.open()).put('wait.a', 'a');
    const clock = createVirtualClock({ turns: 'real' });
    const opening = site.page(page).open({ clock });
    while (clock.pendingTimers === 0) await undefined;
    page.die();
    while (clock.pendingTimers > 0) await undefined;
    // It is not the wait for the lock that ends now, but that for the last writes.
    while (clock.pendingTimers === 0) await undefined;
    await clock.advance(50);
    expect(await (await opening).ids('wait.a')).toEqual(['a']);
    expect(clock.pendingTimers).toBe(0);
  });

  test('of a chosen name lets the last writes of the page before it arrive', async () => {
    const site = new Site();
    const page = site.page();
    const before = await page.open({ tab: 'own' });
    const items = new Map(site.items);
    await before.put('wait.a', 'late');
    const after = new Map(site.items);
    page.die();
    for (const key of site.keys) site.items.delete(key);
    for (const [key, value] of items) site.items.set(key, value);
    const clock = createVirtualClock({ turns: 'real' });
    const opening = site.page().open({ tab: 'own', clock });
    while (clock.pendingTimers === 0) await undefined;
    for (const [key, value] of after) site.items.set(key, value);
    await clock.advance(50);
    expect(await (await opening).ids('wait.a')).toEqual(['late']);
  });

  test('that is new goes on with what got a message last, and adopts the rest', async () => {
    const site = new Site();
    const pages = [site.page(), site.page(), site.page()];
    const histories = await Promise.all(pages.map((page) => page.open()));
    for (const [index, history] of histories.entries()) {
      site.now += 1000;
      await history.put('wait.a', `${index}`);
      await history.put('other', `o${index}`);
    }
    for (const page of pages) page.die();
    const next = await site.page().open();
    expect(next.head.epoch).toBe(histories[2]?.head.epoch);
    expect(await next.ids('wait.a')).toEqual(['2', '0', '1']);
    expect(await next.ids('other')).toEqual(['o2']);
    const tabs = new Set(site.keys.map((key) => key.split('/')[2]));
    expect(tabs.size).toBe(1);
  });

  test('with a namespace of its own choosing is refused while another one has it, and adopted by none', async () => {
    const site = new Site();
    const page = site.page();
    const history = await page.open({ tab: 'a/b' });
    await expect(site.page().open({ tab: 'a/b' })).rejects.toMatchObject({ code: 'HEXBUS_HISTORY_IN_USE' });
    await history.put('wait.a', 'a');
    await history.store.close();
    expect(await (await site.page().open()).ids('wait.a')).toEqual([]);
    expect(await (await site.page().open({ tab: 'a/b' })).ids('wait.a')).toEqual(['a']);
  });
});

describe('adoption', () => {
  test('moves what waits behind what is here, in its order, and what died with its reason', async () => {
    const { site, first, mine } = await twoTabs();
    await first.store.close();
    const history = await site.page(mine).open();
    expect(await history.ids('wait.a')).toEqual(['a1', 'a2', 'b2', 'b4']);
    const dead = await history.page('wait.a', 'dead');
    expect([dead.messages.map(({ id }) => id), dead.reasons]).toEqual([['b3'], ['bad']]);
    const { messages } = await history.page('wait.a');
    expect(messages.map(({ position }) => position)).toEqual([1, 2, 3, 5]);
    expect(messages.map(({ time }) => time)).toEqual([1_000_000, 1_000_000, 1_001_000, 1_001_000]);
    expect(history.head).toEqual({ epoch: first.head.epoch, position: 5 });
    expect(await history.put('wait.a', 'b2')).toEqual(['duplicate']);
  });

  test('leaves out what this tab has, or had a short while ago', async () => {
    const site = new Site();
    const [mine, theirs] = [site.page(), site.page()];
    const [own, left] = [await mine.open(), await theirs.open()];
    for (const history of [own, left]) await history.put('wait.a', 'waits', 'handled', 'died');
    await own.settle('handled', 'wait.a', 2);
    await own.settle('dead', 'wait.a', 3);
    await left.put('wait.a', 'new');
    for (const page of [mine, theirs]) page.die();
    const history = await site.page(mine).open();
    expect(await history.ids('wait.a')).toEqual(['waits', 'new']);
    expect(await history.ids('wait.a', 'dead')).toEqual(['died']);
  });

  test('keeps what was published twice under an id, a long while apart', async () => {
    const site = new Site();
    const page = site.page();
    const left = await page.open();
    await left.put('wait.a', 'same', 'other');
    site.now += 60_001;
    await left.put('wait.a', 'same');
    page.die();
    site.now += 60_001;
    const history = await site.page().open({ tab: 'own' });
    expect(await history.ids('wait.a')).toEqual(['same', 'other', 'same']);
  });

  test('brings what has an id that was handled here a long while ago', async () => {
    const site = new Site();
    const [mine, theirs] = [site.page(), site.page()];
    const [own, left] = [await mine.open(), await theirs.open()];
    await own.put('wait.a', 'daily');
    await own.settle('handled', 'wait.a', 1);
    site.now += 60_001;
    await left.put('wait.a', 'daily');
    for (const page of [mine, theirs]) page.die();
    expect(await (await site.page(mine).open()).ids('wait.a')).toEqual(['daily']);
  });

  test('makes a message held that was appended to a stream, so that a page with other topics leaves it', async () => {
    const site = new Site();
    const [own, streaming] = [site.page(), site.page()];
    const [, stream] = await Promise.all([own.open(), streaming.open({}, { retention: [] })]);
    await stream.put('wait.a', 'a');
    for (const page of [own, streaming]) page.die();
    const holding = site.page(own);
    expect(await (await holding.open()).ids('wait.a')).toEqual(['a']);
    holding.die();
    const stranger = site.page();
    await stranger.open({ tab: 'stranger' }, { retention: [] });
    expect(await (await site.page().open({ tab: 'knowing' })).ids('wait.a')).toEqual(['a']);
  });

  test('is done by one of two tabs that open at once', async () => {
    const { site, first } = await twoTabs();
    const opened = await Promise.all([site.page().open(), site.page().open(), site.page().open()]);
    const ids = await Promise.all(opened.map((history) => history.ids('wait.a')));
    expect(ids.flat()).toEqual(['b2', 'b4']);
    expect(await first.ids('wait.a')).toEqual(['a1', 'a2']);
  });

  test('goes beyond the bound of a topic that rejects, since it was promised', async () => {
    const { site, first, mine } = await twoTabs();
    await first.store.close();
    const retention = policies.map((policy) => ({ ...policy, maxCount: 2 }));
    const history = await site.page(mine).open({}, { retention });
    expect(await history.ids('wait.a')).toEqual(['a1', 'a2', 'b2', 'b4']);
    expect(await history.put('wait.a', 'new')).toEqual(['refused']);
  });

  test('leaves what is held elsewhere to a page that knows it', async () => {
    const { site } = await twoTabs();
    const stranger = await site.page().open({ tab: 'stranger' }, { retention: [] });
    expect(await stranger.ids('wait.a')).toEqual([]);
    const knowing = await site.page().open({ tab: 'knowing' });
    expect(await knowing.ids('wait.a')).toEqual(['b2', 'b4']);
  });

  test('leaves what has no room where it is, for an opening that has some', async () => {
    const { site, first, mine } = await twoTabs();
    await first.store.close();
    const tight = site.page(mine);
    tight.storage.quota = tight.storage.used + 5;
    const some = await tight.open();
    expect(await some.ids('wait.a')).toEqual(['a1', 'a2']);
    tight.die();
    expect(await (await site.page(mine).open()).ids('wait.a')).toEqual(['a1', 'a2', 'b2', 'b4']);
  });

  test('of many messages goes on as far as there is room each time, and keeps their order', async () => {
    const site = new Site();
    const [mine, theirs] = [site.page(), site.page()];
    const [own, left] = await Promise.all([mine.open(), theirs.open()]);
    await own.put('wait.a', 'a');
    const ids = Array.from({ length: 120 }, (_, index) => `b${index}`);
    await left.put('wait.a', ...ids);
    await left.settle('dead', 'wait.a', ...ids.slice(60).map((_, index) => index + 61));
    for (const page of [mine, theirs]) page.die();
    const tight = site.page(mine);
    tight.storage.quota = tight.storage.used + 12_000;
    const history = await tight.open();
    expect(await history.ids('wait.a')).toEqual(['a', ...ids.slice(0, 60)]);
    const dead = await history.page('wait.a', 'dead');
    expect(dead.messages.map(({ id }) => id)).toEqual(ids.slice(60));
    expect(dead.reasons).toEqual(ids.slice(60).map(() => 'bad'));
    expect(new Set(site.keys.map((key) => key.split('/')[2])).size).toBe(1);
  });

  test.each([
    ['head', ['b2', 'b4']],
    ['m/2', ['b4']],
  ])('saves what it can of a closed tab whose %s is damaged, and tells of it', async (item, ids) => {
    const { site } = await twoTabs();
    const key = `hexbus/hexbus/${tabOf(site, 'b2')}/${item}`;
    site.items.set(key, 'damaged');
    const page = site.page();
    const history = await page.open({ tab: 'own' });
    expect(await history.ids('wait.a')).toEqual(ids);
    expect(page.corrupt).toEqual([
      { key, setAsideAs: key.replace('hexbus/', 'hexbus-aside/'), reason: expect.any(String) },
    ]);
    expect(site.items.get(key.replace('hexbus/', 'hexbus-aside/'))).toBe('damaged');
  });

  test('passes by what a newer version wrote', async () => {
    const { site } = await twoTabs();
    const { seal } = await import('../src/seal.ts');
    const head = `hexbus/hexbus/${tabOf(site, 'b2')}/head`;
    site.items.set(head, seal('head', JSON.stringify({ version: 2 })));
    const before = [...site.items].filter(([key]) => key.includes(tabOf(site, 'b2')));
    const history = await site.page().open({ tab: 'own' });
    expect(await history.ids('wait.a')).toEqual([]);
    expect([...site.items].filter(([key]) => key.includes(tabOf(site, 'b2')))).toEqual(before);
  });

  test.each([0, 1, 2, 3])(
    'that ends anywhere loses nothing and brings nothing twice, whoever opens next (%i)',
    async (who) => {
      for (let count = 0; ; count++) {
        const { site, first, mine, theirs } = await twoTabs();
        await first.store.close();
        const page = site.page(mine);
        dieAfter(page.storage, count);
        const isDone = await page.open().then(
          () => true,
          () => false,
        );
        page.die();
        // The tab that adopted, the one that was closed and is opened again, a new one, or one of a chosen name.
        const next = site.page([mine, theirs, undefined][who]);
        const history = await next.open(who === 3 ? { tab: 'chosen' } : {});
        const ids = await history.ids('wait.a');
        expect(ids.toSorted(), `after ${count} changes`).toEqual(['a1', 'a2', 'b2', 'b4']);
        expect(ids.filter((id) => id.startsWith('b'))).toEqual(['b2', 'b4']);
        expect(await history.ids('wait.a', 'dead')).toEqual(['b3']);
        expect(next.corrupt).toEqual([]);
        if (isDone) break;
      }
    },
  );
});

test('a copy that a page of a chosen name left behind does not count when its original went another way', async () => {
  for (let count = 0; ; count++) {
    const site = new Site();
    const [chosen, left] = [site.page(), site.page()];
    await (await left.open()).write({ append: ['a', 'b', 'c'].map((id) => message('wait.a', id)) });
    left.die();
    dieAfter(chosen.storage, count);
    const isDone = await chosen.open({ tab: 'chosen' }).then(
      () => true,
      () => false,
    );
    chosen.die();
    const back = await site.page(left).open();
    const rest = await back.ids('wait.a');
    const again = await site.page().open({ tab: 'chosen' });
    const copied = await again.ids('wait.a');
    expect([...copied, ...rest], `after ${count} changes`).toEqual(['a', 'b', 'c']);
    if (isDone) break;
  }
});

test('what an interrupted page had moved stays before the rest, also when a page that does not hold the topic opens in between', async () => {
  for (let count = 0; ; count++) {
    const site = new Site();
    const [left, own] = [site.page(), site.page()];
    const [leaving] = await Promise.all([left.open(), own.open()]);
    await leaving.put('wait.a', 'a1', 'a2', 'a3', 'a4');
    for (const page of [left, own]) page.die();
    const interrupted = site.page(own);
    dieAfter(interrupted.storage, count);
    const isDone = await interrupted.open().then(
      () => true,
      () => false,
    );
    interrupted.die();
    const stranger = site.page();
    await stranger.open({ tab: 'stranger' }, { retention: [] });
    stranger.die();
    const history = await site.page().open({ tab: 'knowing' });
    expect(await history.ids('wait.a'), `after ${count} changes`).toEqual(['a1', 'a2', 'a3', 'a4']);
    if (isDone) break;
  }
});

test('a tab of which another one was adopting goes on with the rest, also where there is no room for anything new', async () => {
  const site = new Site();
  const [mine, theirs] = [site.page(), site.page()];
  const [, left] = await Promise.all([mine.open(), theirs.open()]);
  await left.put('wait.a', 'a1', 'a2', 'a3', 'a4');
  for (const page of [mine, theirs]) page.die();
  const interrupted = site.page(mine);
  interrupted.storage.beforeChange = (key, value) => {
    if (key.endsWith('/m/2') && value === undefined) throw new Error('planted');
  };
  await expect(interrupted.open()).rejects.toThrow('planted');
  interrupted.die();
  const heir = site.page(mine);
  heir.storage.quota = 0;
  expect(await (await heir.open()).ids('wait.a')).toEqual(['a1']);
  const back = site.page(theirs);
  back.storage.quota = back.storage.used;
  expect(await (await back.open()).ids('wait.a')).toEqual(['a2', 'a3', 'a4']);
});

/** The tab that has a message. */
function tabOf(site: Site, id: string): string {
  const [key = ''] = [...site.items].find(([, value]) => value.includes(`"id":"${id}"`)) ?? [];
  return key.split('/')[2] ?? '';
}

test('a message that was adopted is whole', async () => {
  const site = new Site();
  const page = site.page();
  const left = await page.open();
  const parts = { type: 'T', attributes: '{"sender":"ann"}', body: '{ "n":\n 1.0 }' };
  await left.write({ append: [message('wait.a', 'a', parts)] });
  page.die();
  const history = await site.page().open({ tab: 'own' });
  const { messages } = await history.page('wait.a');
  expect(messages).toEqual([{ position: 1, topic: 'wait.a', id: 'a', time: 1_000_000, ...parts }]);
});
