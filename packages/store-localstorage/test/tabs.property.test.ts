import { isHexbusError } from '@hexbus/core';
import type { LocalStorageHistoryOptions } from '@hexbus/store-localstorage';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dieAfter } from './support/fake-storage.ts';
import { message, type Opened, type Page, Site } from './support/site.ts';

const slots = 3;
const runs = process.env['HEXBUS_DEEP'] === '1' ? 3000 : 300;

/** What befalls a page meanwhile: it ends after so many changes, or there is room for so many characters more; undefined: nothing. */
type Fate = { readonly dies: number } | { readonly room: number } | undefined;
const fate: fc.Arbitrary<Fate> = fc.option(
  fc.oneof(fc.record({ dies: fc.nat(25) }), fc.record({ room: fc.constantFrom(0, 100, 300, 4200) })),
  { nil: undefined },
);
const slot = fc.nat(slots - 1);
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant('open'),
      slots: fc.uniqueArray(slot, { minLength: 1 }),
      isStranger: fc.boolean(),
      fate,
    }),
  },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('put'), slot, count: fc.integer({ min: 1, max: 3 }), fate }) },
  {
    weight: 3,
    arbitrary: fc.record({ op: fc.constant('handle'), slot, count: fc.integer({ min: 1, max: 2 }), fate }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant('end'), slot, how: fc.constantFrom('reload', 'crash', 'close', 'tab') }),
  },
) as fc.Arbitrary<Step>;

type Step =
  // A stranger does not hold the topic, so it neither publishes nor handles.
  | { readonly op: 'open'; readonly slots: readonly number[]; readonly isStranger: boolean; readonly fate: Fate }
  | { readonly op: 'put' | 'handle'; readonly slot: number; readonly count: number; readonly fate: Fate }
  | { readonly op: 'end'; readonly slot: number; readonly how: 'reload' | 'crash' | 'close' | 'tab' };

interface Tab {
  /** One tab has a namespace of its own choosing. */
  readonly options: LocalStorageHistoryOptions;
  page: Page;
  history: Opened | undefined;
  isStranger: boolean;
}

/** What must be true of what waits in all tabs together. */
class Expectations {
  readonly waiting = new Set<string>();
  readonly handled = new Set<string>();
  /** Batches that were never answered: all of each is there, or nothing. */
  readonly doubtful: (readonly string[])[] = [];
  #next = 0;

  ids(count: number, publisher: number): string[] {
    return Array.from({ length: count }, () => `${publisher}:${this.#next++}`);
  }

  /** A page that died while it settled these leaves open whether it did. */
  doubt(ids: readonly string[]): void {
    for (const id of ids) this.waiting.delete(id);
    this.doubtful.push(ids);
  }

  check(found: readonly string[], inOrder: boolean): void {
    expect(new Set(found).size, `twice: ${found}`).toBe(found.length);
    expect(found.filter((id) => this.handled.has(id))).toEqual([]);
    expect([...this.waiting].filter((id) => !found.includes(id))).toEqual([]);
    for (const batch of this.doubtful)
      expect([0, batch.length]).toContain(batch.filter((id) => found.includes(id)).length);
    const known = new Set([...this.waiting, ...this.doubtful.flat()]);
    expect(found.filter((id) => !known.has(id))).toEqual([]);
    if (!inOrder) return;
    // Those of one page stand in the order in which it published them.
    const last = new Map<string, number>();
    for (const id of found) {
      const [publisher = '', number] = id.split(':');
      expect(Number(number)).toBeGreaterThan(last.get(publisher) ?? -1);
      last.set(publisher, Number(number));
    }
  }
}

class World {
  readonly site = new Site();
  readonly expected = new Expectations();
  readonly #tabs: Tab[] = Array.from({ length: slots }, (_, index) => ({
    options: index === 0 ? { tab: 'chosen' } : {},
    page: this.site.page(),
    history: undefined,
    isStranger: false,
  }));
  /** Counts pages, so that each has a name of its own. */
  #publishers = new Map<Opened, number>();

  async run(step: Step): Promise<void> {
    this.site.now += 10;
    if (step.op === 'open') await Promise.all(step.slots.map((each) => this.#open(this.#tabs[each] as Tab, step)));
    else if (step.op === 'end') await this.#end(this.#tabs[step.slot] as Tab, step.how);
    else if (step.op === 'put') await this.#put(this.#tabs[step.slot] as Tab, step.count, step.fate);
    else await this.#handle(this.#tabs[step.slot] as Tab, step.count, step.fate);
  }

  /** Ends every page, and opens one that gets all that they left. */
  async collect(): Promise<string[]> {
    for (const tab of this.#tabs) tab.page.die();
    const last = this.site.page();
    const history = await last.open({ tab: 'chosen' });
    const corrupt = [...this.#tabs.map(({ page }) => page), last].flatMap((page) => page.corrupt);
    expect(corrupt).toEqual([]);
    expect(new Set(this.site.keys.map((key) => key.split('/')[2]))).toEqual(new Set(['@chosen']));
    return history.ids('wait.a');
  }

  async #open(tab: Tab, { isStranger, fate }: { readonly isStranger: boolean; readonly fate: Fate }): Promise<void> {
    if (tab.history !== undefined) return;
    tab.page = this.site.page(tab.page);
    const opening = isStranger ? { retention: [] } : {};
    const history = await this.#under(fate, tab, () => tab.page.open(tab.options, opening));
    if (history === undefined) return;
    Object.assign(tab, { history, isStranger });
    this.#publishers.set(history, this.#publishers.size);
    const waiting = await history.ids('wait.a');
    expect(waiting.filter((id) => this.expected.handled.has(id))).toEqual([]);
  }

  async #put(tab: Tab, count: number, fate: Fate): Promise<void> {
    const { history, isStranger } = tab;
    if (history === undefined || isStranger) return;
    const ids = this.expected.ids(count, this.#publishers.get(history) ?? -1);
    // Some are named by the caller, and some by the bus, which never gives a name twice.
    const append = ids.map((id, index) => message('wait.a', id, { deduplicate: index % 2 === 0 }));
    const result = await this.#under(fate, tab, () => history.write({ append }));
    if (result === undefined) this.expected.doubt(ids);
    for (const [index, id] of ids.entries()) {
      if (result?.appended[index]?.status === 'appended') this.expected.waiting.add(id);
    }
  }

  async #handle(tab: Tab, count: number, fate: Fate): Promise<void> {
    const { history, isStranger } = tab;
    if (history === undefined || isStranger) return;
    const { messages } = await history.page('wait.a');
    // What had been in doubt is known now: it waits here.
    this.#resolve(messages.map(({ id }) => id));
    const first = messages.slice(0, count);
    const ids = first.map(({ id }) => id);
    const settled = await this.#under(fate, tab, () =>
      history.settle('handled', 'wait.a', ...first.map(({ position }) => position)),
    );
    if (settled === undefined) {
      this.expected.doubt(ids);
      return;
    }
    expect(settled).not.toContain(false);
    for (const id of ids) {
      this.expected.waiting.delete(id);
      this.expected.handled.add(id);
    }
  }

  #resolve(seen: readonly string[]): void {
    const { doubtful, waiting } = this.expected;
    for (const [index, batch] of [...doubtful.entries()].reverse()) {
      if (!batch.some((id) => seen.includes(id))) continue;
      for (const id of batch) waiting.add(id);
      doubtful.splice(index, 1);
    }
  }

  async #end(tab: Tab, how: 'reload' | 'crash' | 'close' | 'tab'): Promise<void> {
    if (how === 'close') await tab.history?.store.close();
    tab.page.die();
    tab.history = undefined;
    tab.page = how === 'tab' ? this.site.page() : this.site.page(tab.page);
  }

  /** Does something in a page under its fate; undefined if it ended, or found no room to open. */
  async #under<Result>(fate: Fate, tab: Tab, work: () => Promise<Result>): Promise<Result | undefined> {
    const { page } = tab;
    const { storage } = page;
    const from = storage.changes;
    if (fate !== undefined && 'dies' in fate) dieAfter(storage, fate.dies);
    if (fate !== undefined && 'room' in fate) storage.quota = storage.used + fate.room;
    const result = await work().catch((error: unknown) => {
      if (fate === undefined || ('room' in fate && !isHexbusError(error, 'HEXBUS_HISTORY_FULL'))) throw error;
      return undefined;
    });
    if (result === undefined || (fate !== undefined && 'dies' in fate && storage.changes - from >= fate.dies)) {
      page.die();
      tab.history = undefined;
      return undefined;
    }
    storage.beforeChange = () => undefined;
    storage.quota = Number.POSITIVE_INFINITY;
    return result;
  }
}

test('whatever tabs open, publish, handle, end, crash and find no room, each message waits once, in its order, until it is handled', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30, size: 'max' }), async (steps) => {
      const world = new World();
      for (const each of steps) await world.run(each);
      // Adoption that ends for want of room may divide what one tab left between two that live.
      const inOrder = !steps.some((each) => each.op === 'open' && each.fate !== undefined && 'room' in each.fate);
      world.expected.check(await world.collect(), inOrder);
    }),
    { numRuns: runs },
  );
});
