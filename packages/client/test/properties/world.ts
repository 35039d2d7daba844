import type { ClientOptions, ClientSubscription } from '@hexbus/client';
import { isHexbusError, matchesPattern } from '@hexbus/core';
import { type Bench, createBench } from '../support/bench.ts';
import type { FakePeer } from '../support/fake-peer.ts';
import { ModelServer } from './model-server.ts';

export const topics = ['a', 'b', 'c.x', 'c.y', '@all'] as const;
export const filters = ['a', 'b', 'c.*', '>'] as const;

export type Command =
  | { readonly do: 'publish'; readonly topic: (typeof topics)[number] }
  | { readonly do: 'subscribe'; readonly topic: (typeof filters)[number]; readonly from: 'now' | 'earliest' }
  | { readonly do: 'unsubscribe' | 'release' | 'fail'; readonly which: number }
  | { readonly do: 'connect' | 'answer' | 'advance' | 'reroute' | 'repeat' | 'ping' | 'lose-session' | 'pass-time' }
  | { readonly do: 'cut'; readonly code: number };

interface Follower {
  readonly topic: string;
  /** Positions that were handled, in order of their end. */
  readonly handled: number[];
  subscription: ClientSubscription | undefined;
  running: boolean;
}

/** One client, the server that the commands play, and what every handler was given. */
export class World {
  readonly #bench: Bench;
  readonly #server = new ModelServer();
  readonly #followers = new Map<number, Follower>();
  /** Calls of handlers that have not ended. */
  readonly #calls: { end(): void; fail(): void }[] = [];
  #checkedAcknowledgements = 0;
  readonly #transport: ClientOptions['transport'];
  /** The transport that the network lets nobody open. */
  #blocked: 'ws' | 'sse' | undefined;
  /** What a handler found wrong: to the client its error is one of a handler. */
  #violation: Violation | undefined;

  constructor(transport: ClientOptions['transport'], limits: { readonly maxQueuedMessages: number }) {
    this.#transport = transport;
    // Every call succeeds in the end, so no message may be skipped.
    this.#bench = createBench({
      transport,
      limits: { ...limits, maxTries: 1_000 },
      timings: { handleTimeoutMs: Number.POSITIVE_INFINITY, maxReconnectDelayMs: 500, connectTimeoutMs: 600_000 },
    });
    const { client } = this.#bench;
    const inbox = this.#follower(0, '@all');
    client.on<number>('T', ({ body }) => this.#handle(inbox, body));
    void client.open();
  }

  async run(commands: readonly Command[]): Promise<void> {
    for (const command of commands) {
      this.#do(command);
      if (command.do === 'reroute') await this.#reroute();
      else if (command.do === 'pass-time') await this.#bench.clock.advance(1_000);
      else await this.#bench.settle();
      this.#server.listen();
      this.#checkAcknowledgements();
    }
    await this.#quiesce();
    this.#checkCompleteness();
    await this.#bench.client.close();
    this.#server.listen();
    this.#checkAcknowledgements();
    const { pendingTimers, pendingTurns } = this.#bench.clock;
    if (pendingTimers + pendingTurns > 0) throw new Error(`close left ${pendingTimers} timers, ${pendingTurns} turns`);
  }

  #do(command: Command): void {
    switch (command.do) {
      case 'publish':
        this.#server.history.push(command.topic);
        break;
      case 'subscribe':
        this.#subscribe(command.topic, command.from);
        break;
      case 'unsubscribe':
        [...this.#followers.values()][1 + command.which]?.subscription?.unsubscribe();
        break;
      case 'release':
        this.#calls.splice(command.which % Math.max(1, this.#calls.length), 1)[0]?.end();
        break;
      case 'fail':
        this.#calls.splice(command.which % Math.max(1, this.#calls.length), 1)[0]?.fail();
        break;
      case 'connect':
        this.#connect();
        break;
      case 'answer':
        this.#server.answer();
        break;
      case 'advance':
        this.#server.advance();
        break;
      case 'repeat':
        this.#server.repeat();
        break;
      case 'ping':
        this.#server.ping();
        break;
      case 'lose-session':
        this.#server.loseSession();
        break;
      case 'cut':
        this.#server.cut(command.code);
        break;
      case 'reroute':
      case 'pass-time':
        break;
    }
  }

  #connect(): void {
    const peer = this.#bench.network.peers.at(-1);
    if (peer?.readyState !== 0) return;
    if (this.#blocked === transportOf(peer)) {
      peer.cut();
      return;
    }
    peer.accept();
    this.#server.welcome(peer);
  }

  /** Cuts the connection, and lets the client come back over another transport only, if it has one. */
  async #reroute(): Promise<void> {
    const peer = this.#bench.network.peers.at(-1);
    this.#blocked = this.#transport === 'auto' && peer !== undefined ? transportOf(peer) : undefined;
    this.#server.cut(1006);
    // It does not come back while too much waits to be handled.
    for (let attempts = 0; attempts < 4; attempts++) {
      await this.#bench.clock.advance(1_000);
      this.#connect();
    }
    this.#blocked = undefined;
  }

  #subscribe(topic: string, from: 'now' | 'earliest'): void {
    // The client counts its ids from 1, and asks for nothing else here.
    const follower = this.#follower(this.#followers.size, topic);
    follower.subscription = this.#bench.client.subscribe<number>(topic, ({ body }) => this.#handle(follower, body), {
      from,
    });
  }

  #follower(id: number, topic: string): Follower {
    const follower: Follower = { topic, handled: [], subscription: undefined, running: false };
    this.#followers.set(id, follower);
    return follower;
  }

  async #handle(follower: Follower, position: number): Promise<void> {
    if (follower.running) this.#violation ??= new Violation('a handler ran twice at a time', follower);
    follower.running = true;
    const last = follower.handled.at(-1) ?? 0;
    if (position <= last) this.#violation ??= new Violation(`${position} was handed over after ${last}`, follower);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#calls.push({ end: resolve, fail: () => reject(new Error('as the commands want')) });
      });
      follower.handled.push(position);
    } finally {
      follower.running = false;
    }
  }

  /** Everything that can happen happens, without further cuts. */
  async #quiesce(): Promise<void> {
    for (let idle = 0; idle < 3; ) {
      this.#connect();
      const ends = this.#calls.splice(0);
      for (const call of ends) call.end();
      const moved = this.#server.answer() || this.#server.advance() || ends.length > 0;
      await (moved ? this.#bench.settle() : this.#bench.clock.advance(30_000));
      this.#server.listen();
      this.#checkAcknowledgements();
      idle = moved || !this.#server.live ? 0 : idle + 1;
    }
  }

  /** No acknowledged token covers a message that was not handled. */
  #checkAcknowledgements(): void {
    if (this.#violation !== undefined) throw this.#violation;
    for (const { token, covers } of this.#server.acknowledged.slice(this.#checkedAcknowledgements)) {
      for (const [id, position] of covers) {
        const follower = this.#followers.get(id);
        if (follower === undefined || isEnded(follower)) continue;
        const missing = this.#expected(id, follower, position).find((each) => !follower.handled.includes(each));
        if (missing !== undefined)
          throw new Violation(`${token} was acknowledged before ${missing} was handled`, follower);
      }
    }
    this.#checkedAcknowledgements = this.#server.acknowledged.length;
  }

  /** Each handled exactly what there was for it after its start, in order. */
  #checkCompleteness(): void {
    for (const [id, follower] of this.#followers) {
      const expected = this.#expected(id, follower, this.#server.history.length);
      const handled = follower.handled.filter((position) => id > 0 || !this.#server.forgotten.has(position));
      const wanted = isEnded(follower) ? expected.slice(0, handled.length) : expected;
      if (String(handled) !== String(wanted)) throw new Violation(`${wanted} expected`, follower);
    }
  }

  #expected(id: number, { topic }: Follower, until: number): number[] {
    const start = id === 0 ? 0 : (this.#server.starts.get(id) ?? Number.POSITIVE_INFINITY);
    return this.#server.history.flatMap((published, index) => {
      const position = index + 1;
      const isLost = id === 0 && this.#server.forgotten.has(position);
      return position > start && position <= until && !isLost && matchesPattern(topic, published) ? [position] : [];
    });
  }
}

function transportOf({ url }: FakePeer): 'ws' | 'sse' {
  return url.endsWith('/sse') ? 'sse' : 'ws';
}

class Violation extends Error {
  constructor(what: string, { topic, handled }: Follower) {
    super(`${topic}: ${what}; handled: ${handled}`);
  }
}

function isEnded({ subscription }: Follower): boolean {
  return subscription?.state === 'ended' || isHexbusError(subscription?.error);
}
