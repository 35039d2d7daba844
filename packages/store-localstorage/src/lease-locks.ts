import type { CancelTimer, Clock } from '@hexbus/core';
import { headItem, leaseItem } from './items.ts';
import type { Namespace } from './namespace.ts';
import type { Hold, TabLocks } from './tab-locks.ts';

/** How often a lease is renewed while it lasts. */
const renewalsPerLease = 5;

export interface LeaseSettings {
  readonly clock: Pick<Clock, 'now' | 'setTimer'>;
  readonly leaseMs: number;
  /** Names this opening. */
  readonly owner: string;
  readonly namespaceOf: (tab: string) => Namespace;
}

/** Every lease is as long as this, so that one is written over another also where the storage is full. */
const leaseLength = 64;

/** Ended, and nobody's. */
const givenBack = JSON.stringify(['', 0]);

/**
 * For pages without Web Locks, such as those without https: an item in the namespace says who has it and until when. A page gives it back when it
 * goes; what a crashed page had is free when the lease has ended. A storage has no step that both looks and writes, so two pages that take a
 * lease in the same moment are told apart only by looking again a while later.
 */
export class LeaseTabLocks implements TabLocks {
  readonly #settings: LeaseSettings;

  constructor(settings: LeaseSettings) {
    this.#settings = settings;
  }

  alone<Result>(work: () => Promise<Result>): Promise<Result> {
    return work();
  }

  async hold(tab: string): Promise<Hold | undefined> {
    const { clock, namespaceOf } = this.#settings;
    const namespace = namespaceOf(tab);
    const [, until = 0] = parseLease(namespace.read(leaseItem));
    return until > clock.now() ? undefined : new Lease(this.#settings, namespace);
  }
}

class Lease implements Hold {
  readonly #settings: LeaseSettings;
  readonly #namespace: Namespace;
  readonly #hidden = (): void => this.#end();
  readonly #shown = (): void => this.#renew();
  #cancel: CancelTimer | undefined;

  constructor(settings: LeaseSettings, namespace: Namespace) {
    this.#settings = settings;
    this.#namespace = namespace;
    namespace.write(leaseItem, this.#newLease(), leaseLength);
    this.#renewLater();
    globalThis.addEventListener?.('pagehide', this.#hidden);
    globalThis.addEventListener?.('pageshow', this.#shown);
  }

  get isHeld(): boolean {
    return parseLease(this.#namespace.read(leaseItem))[0] === this.#settings.owner;
  }

  async release(): Promise<void> {
    this.#cancel?.();
    globalThis.removeEventListener?.('pagehide', this.#hidden);
    globalThis.removeEventListener?.('pageshow', this.#shown);
    this.#end();
  }

  #newLease(): string {
    const { clock, leaseMs, owner } = this.#settings;
    return JSON.stringify([owner, clock.now() + leaseMs]);
  }

  #renewLater(): void {
    const { clock, leaseMs } = this.#settings;
    this.#cancel = clock.setTimer(() => {
      this.#renewLater();
      this.#renew();
    }, leaseMs / renewalsPerLease);
  }

  /** A page that stood still for longer than its lease, or had given it back, begins anew, unless another one has taken its place. */
  #renew(): void {
    const { clock, owner } = this.#settings;
    try {
      const [holder, until = 0] = parseLease(this.#namespace.read(leaseItem));
      if (holder === owner || until <= clock.now()) this.#namespace.write(leaseItem, this.#newLease(), leaseLength);
    } catch {
      // Whoever uses the history next learns what is wrong with the storage.
    }
  }

  /** It stays where there is something to come back to, so that coming back takes no room. */
  #end(): void {
    if (!this.isHeld) return;
    if (this.#namespace.raw(headItem) === undefined) this.#namespace.remove(leaseItem);
    else this.#namespace.write(leaseItem, givenBack, leaseLength);
  }
}

function parseLease(text: string | undefined): readonly [owner?: string, until?: number] {
  try {
    return text === undefined ? [] : (JSON.parse(text) as [string, number]);
  } catch {
    return [];
  }
}
