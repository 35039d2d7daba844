import { createVirtualClock, type VirtualClock } from '@hexbus/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { NoRoom } from './support/fake-storage.ts';
import { type Page, Site } from './support/site.ts';

const leaseMs = 300_000;
const settleMs = 50;

/** Pages without Web Locks, whose time the test moves. */
function leasedSite(): { site: Site; clock: VirtualClock; open: (page: Page) => ReturnType<Page['open']> } {
  const site = new Site();
  const clock = createVirtualClock();
  site.clock = clock;
  return { site, clock, open: (page) => page.open({ locks: null }) };
}

afterEach(() => {
  Reflect.deleteProperty(globalThis, 'addEventListener');
  Reflect.deleteProperty(globalThis, 'removeEventListener');
});

/** What a browser does when a page goes. */
function pageEvents(): { hide: () => void; show: () => void; readonly count: number } {
  const target = new EventTarget();
  let count = 0;
  Object.assign(globalThis, {
    addEventListener: (type: string, listener: () => void) => {
      count++;
      target.addEventListener(type, listener);
    },
    removeEventListener: (type: string, listener: () => void) => {
      count--;
      target.removeEventListener(type, listener);
    },
  });
  return {
    hide: () => void target.dispatchEvent(new Event('pagehide')),
    show: () => void target.dispatchEvent(new Event('pageshow')),
    get count() {
      return count;
    },
  };
}

describe('without Web Locks', () => {
  test('a page that goes gives its lease back, and the next one of its tab has it', async () => {
    const { site, open } = leasedSite();
    const events = pageEvents();
    const page = site.page();
    const before = await open(page);
    await before.put('wait.a', 'a');
    events.hide();
    const after = await open(site.page(page));
    expect(after.head.epoch).toBe(before.head.epoch);
    expect(await after.ids('wait.a')).toEqual(['a']);
  });

  test('a page that comes back as it was, by the back button, has its lease at once', async () => {
    const { site, open } = leasedSite();
    const events = pageEvents();
    const history = await open(site.page());
    await history.put('wait.a', 'a');
    events.hide();
    events.show();
    const other = await open(site.page());
    expect(await other.ids('wait.a')).toEqual([]);
    expect(await history.put('wait.a', 'b')).toEqual([2]);
  });

  test('a history that is closed gives its lease back, and leaves no timer and no listener', async () => {
    const { site, clock, open } = leasedSite();
    const events = pageEvents();
    const page = site.page();
    const history = await open(page);
    await history.store.close();
    const next = await open(site.page(page));
    expect(next.head.epoch).toBe(history.head.epoch);
    await next.store.close();
    expect([clock.pendingTimers, events.count]).toEqual([0, 0]);
  });

  test('a lease is renewed for as long as its page lives', async () => {
    const { site, clock, open } = leasedSite();
    const page = site.page();
    const history = await open(page);
    await history.put('wait.a', 'a');
    await clock.advance(leaseMs * 3);
    const other = await open(site.page());
    expect(await other.ids('wait.a')).toEqual([]);
    expect(await history.ids('wait.a')).toEqual(['a']);
  });

  test('what a crashed page had is adopted when its lease has ended, and not before', async () => {
    const { site, clock, open } = leasedSite();
    const page = site.page();
    await (await open(page)).put('wait.a', 'a');
    page.die();
    clock.jump(leaseMs - 1);
    const early = await open(site.page());
    expect(await early.ids('wait.a')).toEqual([]);
    await early.store.close();
    clock.jump(1);
    const opening = open(site.page());
    await clock.advance(settleMs);
    expect(await (await opening).ids('wait.a')).toEqual(['a']);
  });

  test('of two pages that take a lease in the same moment, one has it', async () => {
    const { site, clock, open } = leasedSite();
    const page = site.page();
    await (await open(page)).put('wait.a', 'a');
    page.die();
    clock.jump(leaseMs);
    const openings = [open(site.page()), open(site.page())];
    await clock.advance(settleMs);
    const ids = await Promise.all((await Promise.all(openings)).map((history) => history.ids('wait.a')));
    expect(ids.flat()).toEqual(['a']);
  });

  test('a page of a chosen name whose lease another one overwrote in the same moment is refused', async () => {
    const { site, clock } = leasedSite();
    const options = { locks: null, tab: 'own' };
    await (await site.page().open(options)).store.close();
    const opening = site.page().open(options);
    const refused = expect(opening).rejects.toMatchObject({ code: 'HEXBUS_HISTORY_IN_USE' });
    while (clock.pendingTimers < 2) await undefined;
    for (const key of site.keys) if (key.endsWith('/lease')) site.items.set(key, 'of another page');
    await clock.advance(settleMs);
    await refused;
  });

  test('a page that stood still while another one took its place notices, and leaves it alone', async () => {
    const { site, clock, open } = leasedSite();
    const still = site.page();
    const history = await open(still);
    await history.put('wait.a', 'a');
    clock.jump(leaseMs);
    const opening = open(site.page());
    await clock.advance(settleMs);
    const heir = await opening;
    const error = { code: 'HEXBUS_HISTORY_IN_USE', retryable: false };
    await expect(history.put('wait.a', 'b')).rejects.toMatchObject(error);
    await expect(history.ids('wait.a')).rejects.toMatchObject(error);
    await history.store.close();
    expect(await heir.settle('handled', 'wait.a', 1)).toEqual([true]);
    await clock.advance(leaseMs * 2);
    expect(await heir.put('wait.a', 'c')).toEqual([2]);
  });

  test('a page that stood still while its messages were adopted begins anew', async () => {
    const { site, clock, open } = leasedSite();
    const [other, still] = [site.page(), site.page()];
    const former = await open(other);
    const history = await open(still);
    await history.put('wait.a', 'a');
    await former.store.close();
    clock.jump(leaseMs);
    // The tab that was there before keeps what it has, and adopts.
    const opening = open(site.page(other));
    await clock.advance(settleMs);
    expect(await (await opening).ids('wait.a')).toEqual(['a']);
    const result = await history.write({});
    expect(result.applied).toBe(false);
    expect(result.epoch).not.toBe(history.head.epoch);
  });

  test('a page finds room for its lease again, also where everything else is full', async () => {
    const { site, open } = leasedSite();
    const page = site.page();
    const history = await open(page);
    await history.put('wait.a', 'a');
    await history.store.close();
    const again = site.page(page);
    again.storage.quota = again.storage.used;
    expect(await (await open(again)).ids('wait.a')).toEqual(['a']);
  });

  test('a tab that was adopted leaves no lease behind', async () => {
    const { site, clock, open } = leasedSite();
    const [mine, theirs] = [site.page(), site.page()];
    const [own, left] = [await open(mine), await open(theirs)];
    await left.put('wait.a', 'a');
    await own.store.close();
    await left.store.close();
    const opening = open(site.page(mine));
    await clock.advance(settleMs);
    expect(await (await opening).ids('wait.a')).toEqual(['a']);
    expect(new Set(site.keys.map((key) => key.split('/')[2])).size).toBe(1);
  });

  test('a tab for whose lease there is no room is passed by', async () => {
    const { site, clock, open } = leasedSite();
    const [mine, theirs] = [site.page(), site.page()];
    const [own, left] = [await open(mine), await open(theirs)];
    await own.put('wait.a', 'a');
    await left.put('wait.a', 'b');
    await own.store.close();
    await left.store.close();
    for (const key of site.keys) {
      if (key.endsWith('/lease') && !key.includes(mine.session.getItem('hexbus-tab/hexbus') ?? ''))
        site.items.delete(key);
    }
    const again = site.page(mine);
    again.storage.quota = again.storage.used;
    expect(await (await open(again)).ids('wait.a')).toEqual(['a']);
    expect(clock.pendingTimers).toBe(1);
  });

  test('a storage that fails when a lease is renewed disturbs nobody, and later it is renewed again', async () => {
    const { site, clock, open } = leasedSite();
    const page = site.page();
    const history = await open(page);
    await history.put('wait.a', 'a');
    page.storage.beforeChange = () => {
      throw new Error('planted');
    };
    await clock.advance(leaseMs / 2);
    page.storage.beforeChange = () => undefined;
    await clock.advance(leaseMs * 2);
    const other = await open(site.page());
    expect(await other.ids('wait.a')).toEqual([]);
  });

  test('a storage without room for a lease says so', async () => {
    const { site, open } = leasedSite();
    const page = site.page();
    page.storage.beforeChange = () => {
      throw new NoRoom('full');
    };
    await expect(open(page)).rejects.toMatchObject({ code: 'HEXBUS_HISTORY_FULL', retryable: true });
  });

  test('a damaged lease is nobody’s', async () => {
    const { site, open } = leasedSite();
    const page = site.page();
    await (await open(page)).put('wait.a', 'a');
    for (const key of site.keys) if (key.endsWith('/lease')) site.items.set(key, 'damaged');
    expect(await (await open(site.page(page))).ids('wait.a')).toEqual(['a']);
  });
});
