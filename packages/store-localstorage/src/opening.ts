import type { Clock, OpenHistoryOptions, Randomness } from '@hexbus/core';
import { adopt } from './adoption.ts';
import { peekHead, readContents } from './contents.ts';
import { inUseError } from './errors.ts';
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
  readonly clock: Pick<Clock, 'setTimer'>;
  readonly randomness: Pick<Randomness, 'id'>;
  /** Names this opening. */
  readonly owner: string;
  readonly reloadWaitMs: number;
  readonly settleMs: number;
  readonly report: (item: CorruptItem) => void;
}

/** A namespace that is this history's until its hold is released. */
export interface Place {
  readonly namespace: Namespace;
  readonly hold: Hold;
}

export interface OpenPlace extends Place {
  readonly log: MessageLog;
}

/** Finds or makes the namespace of this tab, reads it, and adopts what closed tabs left. */
export async function openPlace(settings: OpeningSettings, options: OpenHistoryOptions): Promise<OpenPlace> {
  return settings.locks.alone(() => new Opening(settings, options).run());
}

/** The log of a namespace that is held. */
export function openLog(
  { owner, randomness }: Pick<OpeningSettings, 'owner' | 'randomness'>,
  namespace: Namespace,
  options: OpenHistoryOptions,
): MessageLog {
  return new MessageLog(namespace, readContents(namespace), options, { owner, newEpoch: randomness.id() });
}

/** A namespace that nobody had. */
interface Orphan extends Place {
  /** When it was written last. */
  readonly time: number;
  /** The tab that it was being moved to. */
  readonly movedTo: string | undefined;
}

class Opening {
  readonly #settings: OpeningSettings;
  readonly #options: OpenHistoryOptions;
  readonly #held: Place[] = [];

  constructor(settings: OpeningSettings, options: OpenHistoryOptions) {
    this.#settings = settings;
    this.#options = options;
  }

  async run(): Promise<OpenPlace> {
    let own: Place | undefined;
    try {
      own = await this.#findOwn();
      const others = await this.#claimOthers(own);
      // What was closed last is most like this tab.
      own ??= others.findLast(({ movedTo }) => movedTo === undefined);
      own ??= await this.#hold(this.#settings.randomness.id());
      if (own === undefined) throw inUseError('new');
      this.#options.signal?.throwIfAborted();
      const log = this.#adoptAll(
        own.namespace,
        others.filter((other) => other.namespace !== own?.namespace),
      );
      this.#remember(own.namespace.tab);
      return { namespace: own.namespace, hold: own.hold, log };
    } catch (error) {
      own = undefined;
      throw error;
    } finally {
      for (const { namespace, hold } of this.#held) if (namespace !== own?.namespace) await hold.release();
    }
  }

  async #findOwn(): Promise<Place | undefined> {
    const { storage, name, tab, session, reloadWaitMs } = this.#settings;
    if (tab !== undefined) {
      const own = await this.#hold(encodeURIComponent(tab));
      if (own === undefined) throw inUseError(tab);
      return own;
    }
    const known = session?.getItem(sessionKey(name)) ?? undefined;
    // A page that is being reloaded may hold its lock for a moment yet; the tab that this one is a copy of, for longer.
    return known === undefined || !tabsIn(storage, name).includes(known) ? undefined : this.#hold(known, reloadWaitMs);
  }

  /** Namespaces that nobody holds, the one that was written last at the end. But one whose moving was interrupted comes behind where it was moved to. */
  async #claimOthers(own: Place | undefined): Promise<Orphan[]> {
    const { storage, name, clock, settleMs } = this.#settings;
    const claimed: Place[] = [];
    for (const tab of tabsIn(storage, name)) {
      const place = tab === own?.namespace.tab ? undefined : await this.#hold(tab);
      if (place !== undefined) claimed.push(place);
    }
    if (claimed.length === 0) return [];
    // Browsers pass on locks and what was written by different ways, so the last writes of a tab that has just gone may still be coming.
    await new Promise<void>((resolve) => clock.setTimer(resolve, settleMs, true));
    const orphans = claimed
      .filter(({ hold }) => hold.isHeld)
      .map((place) => ({ ...place, time: 0, movedTo: undefined, ...peekHead(place.namespace) }));
    const stepsTo = ({ movedTo }: Orphan, limit: number): number => {
      const target = limit === 0 ? undefined : orphans.find(({ namespace }) => namespace.tab === movedTo);
      return target === undefined ? 0 : 1 + stepsTo(target, limit - 1);
    };
    const steps = new Map(orphans.map((orphan) => [orphan, stepsTo(orphan, orphans.length)]));
    return orphans.sort((a, b) => (steps.get(a) ?? 0) - (steps.get(b) ?? 0) || a.time - b.time);
  }

  #adoptAll(own: Namespace, orphans: readonly Orphan[]): MessageLog {
    // The first of what was this tab's lie there: what is left follows them, before all of it comes back.
    const target = orphans.find(({ namespace }) => namespace.tab === peekHead(own)?.movedTo);
    if (target !== undefined) this.#adopt(openLog(this.#settings, target.namespace, this.#options), own);
    let log = openLog(this.#settings, own, this.#options);
    for (const { namespace } of orphans) {
      // What is left there waits for an opening with more room.
      if (!this.#adopt(log, namespace)) log = openLog(this.#settings, own, { ...this.#options, newEpoch: false });
    }
    return log;
  }

  /** False if there was no room to go on: then the log is of no use any more. */
  #adopt(log: MessageLog, orphan: Namespace): boolean {
    try {
      adopt(log, orphan, this.#settings.randomness.id());
      return true;
    } catch (error) {
      if (isNoRoom(error)) return false;
      throw error;
    }
  }

  async #hold(tab: string, waitMs = 0): Promise<Place | undefined> {
    const { storage, name, locks, report } = this.#settings;
    const hold = await locks.hold(tab, waitMs);
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

function sessionKey(name: string): string {
  return `hexbus-tab/${encodeURIComponent(name)}`;
}
