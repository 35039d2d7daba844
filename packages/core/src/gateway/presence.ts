import type { CancelTimer, Clock } from '../clock.ts';
import type { ConnectionEntry, Registry } from '../ports/registry.ts';

export interface PresenceOptions {
  readonly registry: Registry;
  readonly node: string;
  readonly clock: Clock;
  /** The connections that are there at present. */
  readonly entries: () => Iterable<ConnectionEntry>;
  readonly onError: (error: unknown) => void;
}

type Step = (registry: Registry) => Promise<void>;

/** Keeps a registry in step with the connections of this node, in the background and in order for each connection. */
export class Presence {
  readonly #options: PresenceOptions;
  /** What is under way for a connection. */
  readonly #steps = new Map<string, Promise<void>>();
  /** The last step of a connection, if it failed: it is taken again when the node is renewed. */
  readonly #failed = new Map<string, Step>();
  #cancelTimer: CancelTimer | undefined;
  #renewing: Promise<void> | undefined;
  #closed = false;

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    await this.#options.registry.open(this.#options.node);
    this.#renewLater();
  }

  register(entry: ConnectionEntry): void {
    this.#step(entry.id, (registry) => registry.register(entry));
  }

  unregister(connection: string): void {
    this.#step(connection, (registry) => registry.unregister(connection));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelTimer?.();
    await Promise.all([...this.#steps.values(), this.#renewing]);
    await this.#options.registry.close(this.#options.node);
  }

  #step(connection: string, work: Step): void {
    const { registry, onError } = this.#options;
    this.#failed.delete(connection);
    const before = this.#steps.get(connection) ?? Promise.resolve();
    const step = before
      .then(() => work(registry))
      .catch((error: unknown) => {
        // What came after it says more.
        if (this.#steps.get(connection) === step) this.#failed.set(connection, work);
        onError(error);
      })
      .then(() => {
        if (this.#steps.get(connection) === step) this.#steps.delete(connection);
      });
    this.#steps.set(connection, step);
  }

  /** A registry that takes this node for dead would hide its connections, so it hears from it three times per lease. */
  #renewLater(): void {
    const { clock, registry } = this.#options;
    this.#cancelTimer = clock.setTimer(() => {
      this.#renewing = this.#renew().then(() => {
        if (!this.#closed) this.#renewLater();
      });
    }, registry.leaseMs / 3);
  }

  async #renew(): Promise<void> {
    const { registry, node, entries, onError } = this.#options;
    try {
      const wasDead = await registry.renew(node);
      for (const [connection, work] of this.#failed) this.#step(connection, work);
      if (wasDead) for (const entry of entries()) this.register(entry);
    } catch (error) {
      onError(error);
    }
  }
}
