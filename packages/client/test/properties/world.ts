import type { ClientOptions, ClientSubscription, SavedSession } from '@hexbus/client';
import { matchesPattern } from '@hexbus/core';
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
  | { readonly do: 'cut'; readonly code: number }
  | { readonly do: 'reload'; readonly gracefully: boolean };

interface Follower {
  readonly topic: string;
  readonly from: 'now' | 'earliest';
  /** Positions that earlier pages have handled. */
  readonly before: readonly number[];
  /** Those that this page has handled, in order of their end. */
  readonly handled: number[];
  subscription: ClientSubscription | undefined;
  ended: boolean;
  running: boolean;
}

/** The clients of one page after the other, the server that the commands play, and what every handler was given. */
export class World {
  #bench: Bench;
  readonly #server = new ModelServer();
  /** By the id of the subscription. */
  #followers = new Map<number, Follower>();
  /** Calls of handlers that have not ended. */
  readonly #calls: { end(): void; fail(): void }[] = [];
  #checkedAcknowledgements = 0;
  readonly #transport: ClientOptions['transport'];
  readonly #limits: { readonly maxQueuedMessages: number };
  /** Counts pages: what belongs to an earlier one changes nothing. */
  #page = 0;
  #saved: SavedSession | undefined;
  /** The transport that the network lets nobody open. */
  #blocked: 'ws' | 'sse' | undefined;
  /** What a handler found wrong: to the client its error is one of a handler. */
  #violation: Violation | undefined;

  constructor(transport: ClientOptions['transport'], limits: { readonly maxQueuedMessages: number }) {
    this.#transport = transport;
    this.#limits = limits;
    this.#bench = this.#load();
    void this.#bench.client.open();
  }

  async run(commands: readonly Command[]): Promise<void> {
    for (const command of commands) {
      this.#do(command);
      if (command.do === 'reroute') await this.#reroute();
      else if (command.do === 'reload') await this.#reload(command.gracefully);
      else if (command.do === 'pass-time') await this.#bench.clock.advance(1_000);
      else await this.#bench.settle();
      this.#server.listen();
      this.#checkAcknowledgements();
    }
    await this.#quiesce();
    this.#checkCompleteness();
    await this.#close();
  }

  async #close(): Promise<void> {
    const { client, clock } = this.#bench;
    const closed = client.close();
    for (const call of this.#calls.splice(0)) call.end();
    await clock.runAll();
    await closed;
    this.#server.listen();
    this.#checkAcknowledgements();
    const { pendingTimers, pendingTurns } = clock;
    if (pendingTimers + pendingTurns > 0) throw new Error(`close left ${pendingTimers} timers, ${pendingTurns} turns`);
  }

  /** A page begins with what the one before has saved. */
  #load(): Bench {
    const page = this.#page;
    const saved = this.#saved;
    // Every call succeeds in the end, so no message may be skipped.
    const bench = createBench({
      transport: this.#transport,
      session: { load: () => saved, save: (session) => this.#save(page, session) },
      limits: { ...this.#limits, maxTries: 1_000 },
      timings: { handleTimeoutMs: Number.POSITIVE_INFINITY, maxReconnectDelayMs: 500, connectTimeoutMs: 600_000 },
    });
    const [inbox, ...others] = this.#followers;
    this.#followers = new Map();
    const followed = this.#follower(0, '@all', 'now', inbox?.[1]);
    bench.client.on<number>('T', ({ body }) => this.#handle(followed, body));
    for (const last of others) if (!last[1].ended) this.#subscribe(bench, last[1].topic, last[1].from, last);
    return bench;
  }

  #save(page: number, session: SavedSession | undefined): void {
    if (page !== this.#page) return;
    for (const [id] of this.#saved?.covered ?? []) {
      const follower = this.#followers.get(id);
      const isLost = session?.covered.every(([other]) => other !== id);
      if (follower?.ended === false && isLost)
        this.#violation ??= new Violation('a page would begin without its place', follower);
    }
    this.#saved = structuredClone(session);
  }

  /** The page goes, with or without a close before, and comes again. */
  async #reload(gracefully: boolean): Promise<void> {
    const next = this.#page + 1;
    if (!gracefully) {
      this.#server.cut(1006);
      this.#page = next;
    }
    await this.#close();
    this.#page = next;
    // The next page names its subscriptions anew.
    this.#server.acknowledged.length = 0;
    this.#checkedAcknowledgements = 0;
    this.#bench = this.#load();
    void this.#bench.client.open();
  }

  #do(command: Command): void {
    switch (command.do) {
      case 'publish':
        this.#server.history.push(command.topic);
        break;
      case 'subscribe':
        this.#subscribe(this.#bench, command.topic, command.from);
        break;
      case 'unsubscribe':
        this.#unsubscribe([...this.#followers.values()][1 + command.which]);
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
      case 'reload':
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

  /** `last`: what it was in the page before. */
  #subscribe({ client }: Bench, topic: string, from: Follower['from'], last?: readonly [number, Follower]): void {
    const subscription = client.subscribe<number>(topic, ({ body }) => this.#handle(follower, body), { from });
    const { id } = subscription as ClientSubscription & { readonly id: number };
    const goesOn = last?.[0] === id && this.#saved?.covered.some(([covered]) => covered === id) === true;
    if (!goesOn) this.#server.starts.delete(id);
    const follower = this.#follower(id, topic, from, goesOn ? last[1] : undefined);
    follower.subscription = subscription;
  }

  #unsubscribe(follower: Follower | undefined): void {
    if (follower === undefined) return;
    follower.ended = true;
    follower.subscription?.unsubscribe();
  }

  #follower(id: number, topic: string, from: Follower['from'], last?: Follower): Follower {
    const follower: Follower = {
      topic,
      from,
      before: last === undefined ? [] : [...last.before, ...last.handled],
      handled: [],
      subscription: undefined,
      ended: false,
      running: false,
    };
    this.#followers.set(id, follower);
    return follower;
  }

  async #handle(follower: Follower, position: number): Promise<void> {
    const page = this.#page;
    if (follower.running) this.#violation ??= new Violation('a handler ran twice at a time', follower);
    follower.running = true;
    const last = follower.handled.at(-1) ?? 0;
    if (position <= last) this.#violation ??= new Violation(`${position} was handed over after ${last}`, follower);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#calls.push({ end: resolve, fail: () => reject(new Error('as the commands want')) });
      });
      if (page === this.#page) follower.handled.push(position);
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
        if (follower === undefined || follower.ended) continue;
        const { before, handled } = follower;
        const missing = this.#expected(id, follower, position).find((each) => ![...before, ...handled].includes(each));
        if (missing !== undefined)
          throw new Violation(`${token} was acknowledged before ${missing} was handled`, follower);
      }
    }
    this.#checkedAcknowledgements = this.#server.acknowledged.length;
  }

  /** Each handled exactly what there was for it after its start, in order; what a page before had handled may have come again. */
  #checkCompleteness(): void {
    for (const [id, follower] of this.#followers) {
      const expected = this.#expected(id, follower, this.#server.history.length);
      const handled = follower.handled.filter((position) => id > 0 || !this.#server.forgotten.has(position));
      const [first = Number.POSITIVE_INFINITY] = handled;
      const due = expected.filter((position) => position >= first || !follower.before.includes(position));
      const wanted = follower.ended ? due.slice(0, handled.length) : due;
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
