import type { CancelTimer, Clock } from '@hexbus/core';
import { leaseItem } from './items.ts';
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

/**
 * For pages without Web Locks, such as those without https: an item in the namespace says who has it and until when. A page takes it away when it
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
  readonly #unload = (): void => this.#end();
  #cancel: CancelTimer | undefined;

  constructor(settings: LeaseSettings, namespace: Namespace) {
    this.#settings = settings;
    this.#namespace = namespace;
    namespace.write(leaseItem, this.#newLease());
    this.#renewLater();
    globalThis.addEventListener?.('pagehide', this.#unload);
  }

  get isHeld(): boolean {
    return parseLease(this.#namespace.read(leaseItem))[0] === this.#settings.owner;
  }

  async release(): Promise<void> {
    this.#cancel?.();
    globalThis.removeEventListener?.('pagehide', this.#unload);
    this.#end();
  }

  #newLease(): string {
    const { clock, leaseMs, owner } = this.#settings;
    return JSON.stringify([owner, clock.now() + leaseMs]);
  }

  /** A page that stood still for longer than its lease begins anew, unless another one has taken its place. */
  #renewLater(): void {
    const { clock, leaseMs, owner } = this.#settings;
    this.#cancel = clock.setTimer(() => {
      const [holder, until = 0] = parseLease(this.#namespace.read(leaseItem));
      if (holder === owner || until <= clock.now()) this.#namespace.tryToWrite(leaseItem, this.#newLease());
      this.#renewLater();
    }, leaseMs / renewalsPerLease);
  }

  #end(): void {
    if (this.isHeld) this.#namespace.remove(leaseItem);
  }
}

function parseLease(text: string | undefined): readonly [owner?: string, until?: number] {
  try {
    return text === undefined ? [] : (JSON.parse(text) as [string, number]);
  } catch {
    return [];
  }
}
