import type { Clock, OpenHistoryOptions, Randomness } from '@hexbus/core';
import { adopt } from './adoption.ts';
import { peekHead, readContents } from './contents.ts';
import { inUseError } from './errors.ts';
import { headItem } from './items.ts';
import { MessageLog } from './message-log.ts';
import { type CorruptItem, Namespace, tabsIn } from './namespace.ts';
import type { Hold, TabLocks } from './tab-locks.ts';
import { isNoRoom, type WebStorage } from './web-storage.ts';

export interface OpeningSettings {
  readonly storage: WebStorage;
  readonly name: string;
  /** The namespace to open; undefined: that of this tab. */
  readonly tab: string | undefined;
  /** Remembers which namespace is this tab's. */
  readonly session: WebStorage | undefined;
  readonly locks: TabLocks;
  readonly clock: Pick<Clock, 'now' | 'setTimer'>;
  readonly randomness: Pick<Randomness, 'id'>;
  /** Names this opening. */
  readonly owner: string;
  readonly reloadWaitMs: number;
  readonly settleMs: number;
  readonly report: (item: CorruptItem) => void;
}

/** What the tab of a chosen name begins with in keys. No name that was drawn or encoded does. */
const chosenMark = '@';

/** A namespace that is this history's until its hold is released. */
export interface Place {
  readonly namespace: Namespace;
  readonly hold: Hold;
}

export interface OpenPlace extends Place {
  readonly log: MessageLog;
}

export type AbortableOptions = OpenHistoryOptions & { readonly signal: AbortSignal };

/** Finds or makes the namespace of this tab, reads it, and adopts what closed tabs left. */
export async function openPlace(settings: OpeningSettings, options: AbortableOptions): Promise<OpenPlace> {
  return settings.locks.alone(() => new Opening(settings, options).run(), options.signal);
}

/** The log of a namespace that is held. */
export function openLog(
  { owner, randomness }: Pick<OpeningSettings, 'owner' | 'randomness'>,
  namespace: Namespace,
  options: OpenHistoryOptions,
): MessageLog {
  return new MessageLog(namespace, readContents(namespace), options, { owner, newEpoch: randomness.id() });
}

class Opening {
  readonly #settings: OpeningSettings;
  readonly #options: AbortableOptions;
  readonly #held: Place[] = [];
  /** Something was claimed that another process may have written a moment ago. */
  #isFresh = false;

  constructor(settings: OpeningSettings, options: AbortableOptions) {
    this.#settings = settings;
    this.#options = options;
  }

  async run(): Promise<OpenPlace> {
    const { tab } = this.#settings;
    let own: Place | undefined;
    try {
      const claimed = await this.#findOwn();
      const left = await this.#claimOthers(claimed);
      this.#options.signal.throwIfAborted();
      if (this.#isFresh) await this.#settle();
      this.#options.signal.throwIfAborted();
      const found = claimed?.hold.isHeld ? claimed : undefined;
      if (found === undefined && tab !== undefined) throw inUseError(tab);
      const orphans = inOrder(left.filter(({ hold }) => hold.isHeld));
      const places = found === undefined ? orphans : [...orphans, found];
      await this.#voidCopies(places, found);
      own = await this.#choose(found, orphans);
      const others = places.filter((place) => place !== own);
      const log = this.#adoptAll(own.namespace, inOrder(others));
      this.#remember(own.namespace.tab);
      return { ...own, log };
    } catch (error) {
      own = undefined;
      throw error;
    } finally {
      for (const place of this.#held) if (place !== own) await place.hold.release();
    }
  }

  async #findOwn(): Promise<Place | undefined> {
    const { storage, name, tab, session, reloadWaitMs } = this.#settings;
    if (tab !== undefined) {
      const own = await this.#hold(chosenMark + encodeURIComponent(tab));
      if (own === undefined) throw inUseError(tab);
      this.#isFresh = own.namespace.raw(headItem) !== undefined;
      return own;
    }
    const known = session?.getItem(sessionKey(name)) ?? undefined;
    if (known === undefined || !tabsIn(storage, name).includes(known)) return undefined;
    const own = await this.#hold(known);
    if (own !== undefined || reloadWaitMs === 0) return own;
    // A page that is being reloaded may hold its lock for a moment yet; the tab that this one is a copy of, for longer.
    this.#isFresh = true;
    return this.#hold(known, reloadWaitMs);
  }

  /** Namespaces that nobody else holds. Those of chosen names wait for whoever names them. */
  async #claimOthers(own: Place | undefined): Promise<Place[]> {
    const { storage, name } = this.#settings;
    const claimed: Place[] = [];
    const tabs = tabsIn(storage, name).filter((tab) => tab !== own?.namespace.tab && !tab.startsWith(chosenMark));
    for (const tab of tabs) {
      const place = await this.#holdIfRoom(tab);
      if (place !== undefined) claimed.push(place);
    }
    this.#isFresh ||= claimed.length > 0;
    return claimed;
  }

  /** Browsers pass on locks and what was written by different ways, so the last writes of a page that has just gone may still be coming. */
  async #settle(): Promise<void> {
    const { clock, settleMs } = this.#settings;
    if (settleMs > 0) await new Promise<void>((resolve) => clock.setTimer(resolve, settleMs, true));
  }

  /** A page of a chosen name that ended while it adopted may have left a copy that must not count later, when the original has gone another way. */
  async #voidCopies(places: readonly Place[], own: Place | undefined): Promise<void> {
    const targets = new Set(places.map(({ namespace }) => peekHead(namespace)?.moving?.to));
    for (const tab of targets) {
      if (tab === undefined || tab === own?.namespace.tab || !tab.startsWith(chosenMark)) continue;
      const place = await this.#holdIfRoom(tab);
      if (place !== undefined) openLog(this.#settings, place.namespace, { ...this.#options, newEpoch: false });
    }
  }

  /**
   * Where this tab goes on. What an interrupted move has left must come behind what it had moved, so that is no place to go on: it is adopted, and this tab
   * takes another one.
   */
  async #choose(found: Place | undefined, orphans: readonly Place[]): Promise<Place> {
    // What was moved away and is not here is another page's, so nothing is left to come behind.
    if (found !== undefined && (movingOf(found) === 0 || orphans.length === 0)) return found;
    // The newest is most like this tab.
    return orphans.findLast(isPlaceToGoOn) ?? (await this.#begin());
  }

  #adoptAll(own: Namespace, others: readonly Place[]): MessageLog {
    let number = Math.max(0, ...others.map(movingOf));
    const log = openLog(this.#settings, own, this.#options);
    const now = this.#settings.clock.now();
    for (const { namespace } of others) {
      number++;
      try {
        if (!adopt(log, namespace, { number, newEpoch: this.#settings.randomness.id(), now })) return log;
      } catch (error) {
        if (!isNoRoom(error)) throw error;
        // What is left waits for an opening with more room.
        return openLog(this.#settings, own, { ...this.#options, newEpoch: false });
      }
    }
    return log;
  }

  /** A new namespace. */
  async #begin(): Promise<Place> {
    const tab = this.#settings.randomness.id();
    const place = await this.#hold(tab);
    if (place === undefined) throw inUseError(tab);
    return place;
  }

  /** A lease takes room. */
  async #holdIfRoom(tab: string): Promise<Place | undefined> {
    try {
      return await this.#hold(tab);
    } catch (error) {
      if (isNoRoom(error)) return undefined;
      throw error;
    }
  }

  async #hold(tab: string, waitMs = 0): Promise<Place | undefined> {
    const { storage, name, locks, report } = this.#settings;
    const hold = await locks.hold(tab, waitMs, this.#options.signal);
    if (hold === undefined) return undefined;
    const place = { namespace: new Namespace(storage, name, tab, report), hold };
    this.#held.push(place);
    return place;
  }

  #remember(tab: string): void {
    const { session, name } = this.#settings;
    try {
      session?.setItem(sessionKey(name), tab);
    } catch {
      // Without it the next page of this tab finds the namespace among those of closed tabs.
    }
  }
}

/** The one that was written last at the end; but behind all others those whose moving was interrupted, of these first what was begun last. */
function inOrder(places: readonly Place[]): Place[] {
  const timeOf = ({ namespace }: Place): number => peekHead(namespace)?.time ?? 0;
  return [...places].sort((a, b) => {
    const [first, second] = [movingOf(a), movingOf(b)];
    if (first === 0 || second === 0) return first - second || timeOf(a) - timeOf(b);
    return second - first;
  });
}

/** Not if its head is damaged, or was written by a newer version. */
function isPlaceToGoOn({ namespace }: Place): boolean {
  const head = peekHead(namespace);
  return head !== undefined && head.moving === undefined;
}

/** 0 for a namespace that stays where it is. */
function movingOf({ namespace }: Place): number {
  return peekHead(namespace)?.moving?.number ?? 0;
}

function sessionKey(name: string): string {
  return `hexbus-tab/${encodeURIComponent(name)}`;
}
