import { matchesPattern } from '@hexbus/core';
import { attributes } from '../support/bench.ts';
import type { FakePeer, FrameTuple } from '../support/fake-peer.ts';

/** One subscription of the live connection. */
interface Filter {
  readonly topic: string;
  /** How far it was sent; equal to the main position once it follows that. */
  position: number;
}

interface LiveConnection {
  readonly socket: FakePeer;
  main: number;
  readonly filters: Map<number, Filter>;
  readonly unanswered: { readonly id: number; readonly topic: string; readonly from: unknown }[];
  last: FrameTuple | undefined;
}

/** What a token says, as the server that issued it reads it. */
interface TokenParts {
  readonly main: number;
  readonly own: ReadonlyMap<number, number>;
  /** Undefined: plain, so the client knows which. */
  readonly covered: ReadonlySet<number> | undefined;
}

/**
 * What a gateway does with one client, step by step as the test wants: a main position, subscriptions that are behind or ahead of it, tokens
 * that are cursors or not. One history, and one session at a time.
 */
export class ModelServer {
  /** The topic at each position, from 1. */
  readonly history: string[] = [];
  /** Where each subscription began: resolved when it is answered for the first time. */
  readonly starts = new Map<number, number>();
  /** Positions of what was addressed to a session that is no more. */
  readonly forgotten = new Set<number>();
  readonly acknowledged: { readonly token: string; readonly covers: ReadonlyMap<number, number> }[] = [];
  #live: LiveConnection | undefined;
  #sessions = 0;
  #session: string | undefined;
  readonly #issued = new Map<string, ReadonlyMap<number, number>>();

  get live(): boolean {
    return this.#live?.socket.readyState === 1;
  }

  /** The session is not known any more. */
  loseSession(): void {
    this.#session = undefined;
  }

  cut(code: number): void {
    this.#live?.socket.cut(code);
  }

  /** Answers the HELLO of a socket that was accepted. */
  welcome(socket: FakePeer): void {
    this.#issued.clear();
    const [[, hello] = []] = socket.take();
    const { resume, lastToken, subs } = hello as {
      resume?: { session: string; token?: string };
      lastToken?: string;
      subs: readonly [number, string, unknown?][];
    };
    const resumed = resume !== undefined && resume.session === this.#session;
    if (!resumed) {
      this.#sessions += 1;
      this.#session = `urn:s${this.#sessions}`;
      for (let position = 1; position <= this.history.length; position++) this.forgotten.add(position);
    }
    const brought = resume?.token ?? lastToken;
    const token = brought === undefined ? undefined : partsOf(brought);
    const main = token?.main ?? this.history.length;
    const unanswered = subs.map(([id, topic, from = 'now']) => {
      if (from !== 'covered') return { id, topic, from };
      if (token === undefined) throw new Error(`subscription ${id} claims to be covered by no token`);
      if (token.covered?.has(id) === false) throw new Error(`subscription ${id} claims to be covered by ${brought}`);
      return { id, topic, from: { after: `e.${token.own.get(id) ?? main}` } };
    });
    this.#live = { socket, main, filters: new Map(), unanswered, last: undefined };
    const session = this.#session;
    socket.say([
      2,
      { v: 1, session, secret: 'x', connection: 'c', token: this.#token(), resumed, caps: [], pingMs: 600_000 },
    ]);
  }

  /** Takes in what the client has sent. */
  listen(): void {
    if (this.#live === undefined) return;
    for (const [type, first, topic, from = 'now'] of this.#live.socket.take()) {
      if (type === 3) this.#live.unanswered.push({ id: first as number, topic: topic as string, from });
      if (type === 4) {
        this.#live.filters.delete(first as number);
        const index = this.#live.unanswered.findIndex(({ id }) => id === first);
        if (index >= 0) this.#live.unanswered.splice(index, 1);
      }
      if (type === 6) {
        const covers = this.#issued.get(first as string);
        if (covers === undefined) throw new Error(`${first} was acknowledged, and not issued on this connection`);
        this.acknowledged.push({ token: first as string, covers });
      }
    }
  }

  /** Answers the subscription that waits longest. Tells whether there was one. */
  answer(): boolean {
    const live = this.#live;
    const asked = live?.unanswered.shift();
    if (!this.live || live === undefined || asked === undefined) return false;
    const { id, topic, from } = asked;
    const start = this.#resolve(from);
    if (!this.starts.has(id)) this.starts.set(id, start);
    live.filters.set(id, { topic, position: start });
    // A frame for everybody says that nobody is behind, so no server sends one again that is older than a subscription.
    live.last = undefined;
    this.#settleFilters(live);
    live.socket.say([8, id, { start: `e.${start}`, head: `e.${this.history.length}`, token: this.#token() }]);
    return true;
  }

  /** Sends the next message that something waits for. Tells whether there was one. */
  advance(): boolean {
    const live = this.#live;
    if (!this.live || live === undefined) return false;
    for (const [id, filter] of live.filters) {
      if (filter.position >= live.main) continue;
      const position = this.#next(filter.topic, filter.position, live.main);
      filter.position = position ?? live.main;
      if (position !== undefined) this.#send(live, position, [id]);
      return true;
    }
    if (live.main >= this.history.length) return false;
    live.main += 1;
    const position = live.main;
    const topic = this.history[position - 1] as string;
    const subs: number[] = topic.startsWith('@') ? [0] : [];
    for (const [id, filter] of live.filters) {
      if (filter.position >= position) continue;
      filter.position = position;
      if (matchesPattern(filter.topic, topic)) subs.push(id);
    }
    if (subs.length > 0) this.#send(live, position, subs);
    return true;
  }

  /** Sends the last event again. */
  repeat(): void {
    if (this.live && this.#live?.last !== undefined) this.#live.socket.say(this.#live.last);
  }

  ping(): void {
    if (this.live) this.#live?.socket.say([14, this.#token()]);
  }

  #send(live: LiveConnection, position: number, subs: readonly number[]): void {
    this.#settleFilters(live);
    const token = this.#token();
    const content = [`e.${position}`, this.history[position - 1], 'T', position, attributes(`m${position}`)];
    live.last = token === `e.${position}` ? [5, ...content] : [17, subs, token, ...content];
    live.socket.say(live.last);
  }

  #settleFilters(live: LiveConnection): void {
    for (const filter of live.filters.values()) {
      const next = this.#next(filter.topic, filter.position, live.main);
      if (filter.position < live.main && next === undefined) filter.position = live.main;
    }
  }

  #next(topic: string, after: number, until: number): number | undefined {
    for (let position = after + 1; position <= until; position++) {
      if (matchesPattern(topic, this.history[position - 1] as string)) return position;
    }
    return undefined;
  }

  #resolve(from: unknown): number {
    if (from === 'now') return this.history.length;
    if (from === 'earliest') return 0;
    return Number((from as { after: string }).after.slice('e.'.length));
  }

  /** The present token, and what it covers, written down. */
  #token(): string {
    const { main, filters } = this.#live as LiveConnection;
    const unsettled = [...filters].filter(([, { position }]) => position !== main);
    const own = unsettled.map(([id, { position }]) => `${id}:${position}`).join(',');
    const token = unsettled.length === 0 ? `e.${main}` : `e.${main};${own};${[...filters.keys()].join(',')}`;
    const covers = new Map([[0, main], ...[...filters].map(([id, { position }]) => [id, position] as const)]);
    // The same text may be issued again when more is covered: then nobody can tell which of them is meant.
    if (!this.#issued.has(token)) this.#issued.set(token, covers);
    return token;
  }
}

function partsOf(token: string): TokenParts {
  const [main = '', own = '', covered] = token.split(';');
  return {
    main: Number(main.slice('e.'.length)),
    own: new Map(
      own
        .split(',')
        .filter(Boolean)
        .map((entry) => entry.split(':').map(Number) as [number, number]),
    ),
    covered: covered === undefined ? undefined : new Set(covered.split(',').map(Number)),
  };
}
