import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type Clock, type Randomness, systemClock } from '@hexbus/core';
import { ChaosLink } from './chaos/chaos-link.ts';
import type { ChaosFault, ChaosSettings } from './chaos/settings.ts';

export type { ChaosFault } from './chaos/settings.ts';

/** `calm`: only what the control methods ask for. `wild`: faults come by themselves. `refuse`: new connections are reset, those that stand go on. */
export type ChaosMode = 'calm' | 'wild' | 'refuse';

export interface ChaosProxyOptions {
  readonly target: { readonly port: number; readonly host?: string | undefined };
  /** Decides which fault comes to which connection after how many bytes. The same seed, connections and bytes meet the same faults. */
  readonly randomness: Randomness;
  readonly mode?: ChaosMode | undefined;
  /** The faults of `wild`, drawn evenly; naming one twice makes it twice as frequent. */
  readonly faults?: readonly ChaosFault[] | undefined;
  /** After how many bytes one way, and after how long in any case, the next fault comes at the latest. */
  readonly maxBytesBetweenFaults?: number | undefined;
  readonly maxMsBetweenFaults?: number | undefined;
  readonly maxDelayMs?: number | undefined;
  readonly clock?: Clock | undefined;
}

/** Every default of the proxy. */
export const chaosDefaults = {
  mode: 'calm',
  faults: ['reset', 'end', 'half-close', 'delay', 'stall'],
  maxBytesBetweenFaults: 65_536,
  maxMsBetweenFaults: 2_000,
  maxDelayMs: 100,
} as const;

export interface ChaosStats {
  /** Connections taken so far, and those that stand. */
  readonly accepted: number;
  readonly open: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** Faults that came by themselves. */
  readonly faults: Readonly<Record<ChaosFault, number>>;
}

/** A bad network between clients and a server on this machine: forwards TCP until it cuts, delays, half-closes or stalls. */
export interface ChaosProxy {
  /** Where clients connect, on 127.0.0.1. */
  readonly port: number;
  readonly stats: ChaosStats;
  setMode(mode: ChaosMode): void;
  /** Ends all connections now. Returns how many. */
  cut(how?: 'reset' | 'end'): number;
  /** Lets no byte of any connection pass, new ones included, until `resume`. */
  stall(): void;
  /** Ends every stall, also those that came by themselves. */
  resume(): void;
  /** Cuts all connections and stops listening. Always the same promise. */
  close(): Promise<void>;
}

/** Resolves when it listens. */
export async function createChaosProxy(options: ChaosProxyOptions): Promise<ChaosProxy> {
  const settings: ChaosSettings = {
    target: { port: options.target.port, host: options.target.host ?? '127.0.0.1' },
    faults: options.faults ?? chaosDefaults.faults,
    maxBytesBetweenFaults: options.maxBytesBetweenFaults ?? chaosDefaults.maxBytesBetweenFaults,
    maxMsBetweenFaults: options.maxMsBetweenFaults ?? chaosDefaults.maxMsBetweenFaults,
    maxDelayMs: options.maxDelayMs ?? chaosDefaults.maxDelayMs,
    clock: options.clock ?? systemClock,
  };
  const proxy = new TcpProxy(settings, options.randomness, options.mode ?? chaosDefaults.mode);
  await proxy.listen();
  return proxy;
}

class TcpProxy implements ChaosProxy {
  readonly #settings: ChaosSettings;
  readonly #randomness: Randomness;
  readonly #server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
  readonly #links = new Set<ChaosLink>();
  readonly #faults: Record<ChaosFault, number> = { reset: 0, end: 0, 'half-close': 0, delay: 0, stall: 0 };
  readonly #bytes = { up: 0, down: 0 };
  #accepted = 0;
  #mode: ChaosMode;
  #stalled = false;
  #closed: Promise<void> | undefined;

  constructor(settings: ChaosSettings, randomness: Randomness, mode: ChaosMode) {
    this.#settings = settings;
    this.#randomness = randomness;
    this.#mode = mode;
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.on('error', reject);
      this.#server.listen(0, '127.0.0.1', resolve);
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0;
  }

  get stats(): ChaosStats {
    return {
      accepted: this.#accepted,
      open: this.#links.size,
      bytesUp: this.#bytes.up,
      bytesDown: this.#bytes.down,
      faults: { ...this.#faults },
    };
  }

  setMode(mode: ChaosMode): void {
    this.#mode = mode;
  }

  cut(how: 'reset' | 'end' = 'reset'): number {
    for (const link of this.#links) link.cut(how);
    return this.#links.size;
  }

  stall(): void {
    this.#stalled = true;
    for (const link of this.#links) link.stall();
  }

  resume(): void {
    this.#stalled = false;
    for (const link of this.#links) link.resume();
  }

  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  async #end(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const gone = [...this.#links].map((link) => link.gone);
    this.cut();
    await Promise.all([closed, ...gone]);
  }

  #accept(socket: Socket): void {
    if (this.#mode === 'refuse') {
      socket.on('error', () => {}).resetAndDestroy();
      return;
    }
    this.#accepted += 1;
    const link = new ChaosLink(socket, this.#settings, this.#randomness, {
      isWild: () => this.#mode === 'wild',
      happened: (fault) => {
        this.#faults[fault] += 1;
      },
      passed: (way, bytes) => {
        this.#bytes[way] += bytes;
      },
    });
    this.#links.add(link);
    void link.gone.then(() => this.#links.delete(link));
    link.start();
    if (this.#stalled) link.stall();
  }
}
