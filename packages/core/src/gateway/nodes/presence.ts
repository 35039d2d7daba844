import type { CancelTimer, Clock } from '../../clock.ts';
import type { ConnectionEntry, Registry } from '../../ports/registry.ts';
import { within } from './within.ts';

export interface PresenceOptions {
  readonly registry: Registry;
  readonly node: string;
  readonly clock: Clock;
  /** The connections that are there at present. */
  readonly entries: () => Iterable<ConnectionEntry>;
  readonly onError: (error: unknown) => void;
}

/** How long the registry has to take the leave of this node, which expires without it too, and as long the broker. */
export const leaveMs = 1_000;

/** Keeps a registry in step with the connections of this node, in the background and in order for each connection. */
export class Presence {
  readonly #options: PresenceOptions;
  /** What the registry is to know of a connection and was not told with success yet. */
  readonly #wanted = new Map<string, ConnectionEntry | 'gone'>();
  /** By connection: what is under way. */
  readonly #telling = new Map<string, Promise<void>>();
  #cancelTimer: CancelTimer | undefined;
  #renewing: Promise<void> | undefined;
  /** A renewal failed, which may all the same have brought this node back from the dead, without its connections. */
  #mayHaveDied = false;

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  /** `signal`: nobody waits for it any more, and `close` was or will be called. */
  async open(signal: AbortSignal): Promise<void> {
    await this.#options.registry.open(this.#options.node);
    signal.throwIfAborted();
    this.#renewLater();
  }

  /** Resolves when the registry has taken it, or has failed, which is told. */
  register(entry: ConnectionEntry): Promise<void> {
    return this.#want(entry.id, entry);
  }

  unregister(connection: string): void {
    void this.#want(connection, 'gone');
  }

  /** Resolves also while the registry hangs. */
  close(): Promise<void> {
    this.#cancelTimer?.();
    return within(this.#options.clock, leaveMs, this.#leave());
  }

  async #leave(): Promise<void> {
    const { registry, node } = this.#options;
    await Promise.all([...this.#telling.values(), this.#renewing]);
    await registry.close(node);
  }

  #want(connection: string, state: ConnectionEntry | 'gone'): Promise<void> {
    this.#wanted.set(connection, state);
    const telling = this.#telling.get(connection) ?? this.#tell(connection);
    this.#telling.set(connection, telling);
    return telling;
  }

  /** Tells the newest state, until it was told or has failed. */
  async #tell(connection: string): Promise<void> {
    let last: ConnectionEntry | 'gone' | undefined;
    for (;;) {
      const state = this.#wanted.get(connection);
      // What has failed is told again when the node is renewed.
      if (state === undefined || state === last) break;
      last = state;
      try {
        await this.#call(connection, state);
        if (this.#wanted.get(connection) === state) this.#wanted.delete(connection);
      } catch (error) {
        this.#options.onError(error);
      }
    }
    this.#telling.delete(connection);
  }

  async #call(connection: string, state: ConnectionEntry | 'gone'): Promise<void> {
    const { registry } = this.#options;
    await (state === 'gone' ? registry.unregister(connection) : registry.register(state));
  }

  /** A registry that takes this node for dead would hide its connections, so it hears from it three times per lease, also after a call that failed. */
  #renewLater(): void {
    const { clock, registry } = this.#options;
    this.#cancelTimer = clock.setTimer(() => {
      this.#renewLater();
      this.#renewing = this.#renew();
    }, registry.leaseMs / 3);
  }

  async #renew(): Promise<void> {
    const { registry, node, entries, onError } = this.#options;
    try {
      const wasDead = await registry.renew(node);
      for (const [connection, state] of this.#wanted) void this.#want(connection, state);
      if (wasDead || this.#mayHaveDied) for (const entry of entries()) void this.register(entry);
      this.#mayHaveDied = false;
    } catch (error) {
      this.#mayHaveDied = true;
      onError(error);
    }
  }
}
