import { HexbusError } from '@hexbus/core';
import type { Carrier, Handshake, Transport, TransportHost } from '@hexbus/core/gateway';
import type { TransportClient } from './client.ts';
import { MemoryLink } from './memory-link.ts';

/** A client in memory. What it sends before the answer waits for it. */
export interface MemoryClient extends TransportClient {
  /** The texts that came and that neither `next` nor `take` took. */
  readonly arrived: readonly string[];
  take(): readonly string[];
  /** While it is paused: reads the oldest batches that wait, and stays paused. */
  read(maxBatches: number): void;
}

/** A transport without sockets, time or chance: everything happens in the call or on microtasks. */
export interface MemoryTransport extends Transport {
  /** How many links stand. */
  readonly count: number;
  /** A client that knocks at once. `handshake` replaces fields of one at `/` from address `memory` that offers `hexbus.v1.json`. */
  connect(handshake?: Partial<Handshake>): MemoryClient;
}

export function createMemoryTransport(): MemoryTransport {
  return new InMemory();
}

const full = { accepted: false, status: 503 } as const;

class InMemory implements MemoryTransport {
  readonly name = 'memory';
  #host: TransportHost | undefined;
  #draining = false;
  #closed: Promise<void> | undefined;
  readonly #knocking = new Set<MemoryLink>();
  readonly #links = new Map<MemoryLink, Promise<void>>();

  get count(): number {
    return this.#links.size;
  }

  async open(host: TransportHost): Promise<void> {
    if (this.#closed !== undefined) throw new HexbusError('HEXBUS_CLOSED', 'the transport was closed; make another');
    if (this.#host !== undefined) throw new HexbusError('HEXBUS_CONFIG', 'the transport is open already; make another');
    this.#host = host;
  }

  drain(): void {
    this.#draining = true;
  }

  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  connect(handshake: Partial<Handshake> = {}): MemoryClient {
    const link = new MemoryLink();
    const host = this.#host;
    if (host === undefined || this.#refuses) link.refuse(full);
    else void this.#admit(host, link, { ...defaultHandshake, ...handshake });
    return clientOf(link);
  }

  get #refuses(): boolean {
    return this.#draining || this.#closed !== undefined;
  }

  async #admit(host: TransportHost, link: MemoryLink, handshake: Handshake): Promise<void> {
    this.#knocking.add(link);
    const admission = await host.admit(handshake, link.gone.signal);
    this.#knocking.delete(link);
    if (!admission.accepted) link.refuse(admission);
    else if (link.isOver || this.#refuses) {
      link.refuse(full);
      admission.abandon();
    } else {
      const carrier = carrierOf(link, handshake, admission.protocol);
      let ended = (): void => {};
      const end = new Promise<void>((resolve) => {
        ended = resolve;
      });
      this.#links.set(link, end);
      link.connect(
        admission.protocol,
        () => admission.connect(carrier),
        () => {
          this.#links.delete(link);
          ended();
        },
      );
    }
  }

  async #end(): Promise<void> {
    for (const link of this.#knocking) link.refuse(full);
    const ends = [...this.#links.values()];
    for (const link of this.#links.keys()) link.terminate();
    await Promise.all(ends);
  }
}

const defaultHandshake: Handshake = {
  transport: 'memory',
  url: '/',
  headers: {},
  address: 'memory',
  protocols: ['hexbus.v1.json'],
};

function carrierOf(link: MemoryLink, handshake: Handshake, protocol: string): Carrier {
  return {
    handshake,
    protocol,
    send: (batch) => link.send(batch),
    get bufferedBytes() {
      return link.bufferedBytes;
    },
    pause: () => link.pauseServer(),
    resume: () => link.resumeServer(),
    close: (code, reason) => link.close({ code, reason }),
    terminate: () => link.terminate(),
  };
}

function clientOf(link: MemoryLink): MemoryClient {
  return {
    answer: link.answer,
    closed: link.closed,
    arrived: link.arrived,
    take: () => link.arrived.splice(0),
    send: (text) => link.sendToServer(text),
    next: () => link.next(),
    close: (code, reason = '') => link.closeFromClient({ code, reason }),
    reset: () => link.terminate(),
    pause: () => link.pauseClient(),
    resume: () => link.resumeClient(),
    read: (maxBatches) => link.deliver(maxBatches),
  };
}
