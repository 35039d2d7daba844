import type { Handshake, Welcome, WireFrom, WireSubscription } from '@hexbus/core/gateway';
import {
  decodeServerFrame,
  encodeAcknowledge,
  encodeHello,
  encodeReply,
  encodeSubscribe,
  encodeUnsubscribe,
  readSubscribed,
  type ServerFrame,
} from '@hexbus/core/wire';
import type { MemoryClient, MemoryTransport } from '@hexbus/testkit';
import { lineOf } from './lines.ts';

/** What a client says first; whatever is left out is empty. */
export interface ClientHello {
  readonly token?: string;
  readonly resume?: { readonly session: string; readonly secret: string; readonly token?: string };
  readonly lastToken?: string;
  readonly subs?: readonly (readonly [id: number, topic: string, from?: WireFrom])[];
  readonly caps?: readonly string[];
}

/** A client that was let in. It answers nothing by itself. */
export interface TestClient {
  readonly link: MemoryClient;
  readonly welcome: Welcome;
  /** With which it would resume: the last token that it took. */
  readonly resume: { readonly session: string; readonly secret: string; readonly token?: string };
  /** What came and was not taken yet, without WELCOME. */
  frames(): readonly ServerFrame[];
  /** The same, one short text a frame. */
  lines(): readonly string[];
  /** Sends a frame of these elements, also one that no client should. */
  send(...elements: readonly unknown[]): void;
  subscribe(id: number, topic: string, from?: WireFrom): void;
  unsubscribe(id: number): void;
  /** Acknowledges a token; the last one that it took, unless another is given. */
  acknowledge(token?: string): void;
  /** Answers a request or delivery. */
  answer(id: number, body?: unknown): void;
  /** Refuses one. */
  fail(id: number): void;
  /** Says of a delivery that its subscription has ended. */
  cancel(id: number): void;
}

/** Knocks and says HELLO. */
export function knock(
  transport: MemoryTransport,
  hello: ClientHello = {},
  handshake: Partial<Handshake> = {},
): MemoryClient {
  const { token, resume, lastToken, subs = [], caps = [] } = hello;
  const link = transport.connect(handshake);
  const subscriptions = subs.map(([id, topic, from = 'now']): WireSubscription => ({ id, topic, from }));
  link.send(
    encodeHello({
      ...(token === undefined ? {} : { token }),
      ...(resume === undefined ? {} : { resume }),
      ...(lastToken === undefined ? {} : { lastToken }),
      subscriptions,
      capabilities: caps,
    }),
  );
  return link;
}

/** The same, and waits for WELCOME. Rejects when something else comes. */
export async function connectClient(
  transport: MemoryTransport,
  hello?: ClientHello,
  handshake?: Partial<Handshake>,
): Promise<TestClient> {
  return welcomed(knock(transport, hello, handshake));
}

/** The client of a link that has said HELLO. */
export async function welcomed(link: MemoryClient): Promise<TestClient> {
  const first = await link.next();
  const frame = decodeServerFrame(first);
  if (frame.kind !== 'welcome') throw new Error(`${first} came before WELCOME`);
  const { welcome } = frame;
  let { token } = welcome;

  function frames(): readonly ServerFrame[] {
    const taken = link.take().map((text) => decodeServerFrame(text));
    for (const one of taken) token = tokenOf(one) ?? token;
    return taken;
  }

  const send = (...elements: readonly unknown[]): void => link.send(JSON.stringify(elements));
  const refuse = (id: number, code: 'remote-error' | 'cancelled'): void =>
    link.send(encodeReply(id, { ok: false, error: { code, message: 'no', retryable: false } }));
  return {
    link,
    welcome,
    get resume() {
      const { session, secret } = welcome;
      return { session, secret, ...(token === undefined ? {} : { token }) };
    },
    frames,
    lines: () => frames().map(lineOf),
    send,
    subscribe: (id, topic, from = 'now') => link.send(encodeSubscribe({ id, topic, from })),
    unsubscribe: (id) => link.send(encodeUnsubscribe(id)),
    acknowledge: (given = token) => link.send(encodeAcknowledge(given ?? '')),
    answer: (id, body = null) => link.send(encodeReply(id, { ok: true, body })),
    fail: (id) => refuse(id, 'remote-error'),
    cancel: (id) => refuse(id, 'cancelled'),
  };
}

function tokenOf(frame: ServerFrame): string | undefined {
  switch (frame.kind) {
    case 'event':
      return frame.cursor;
    case 'event-for':
    case 'ping':
      return frame.token;
    case 'gap':
      return frame.gap.token;
    case 'reply':
      return frame.reply.ok ? readSubscribed(frame.reply.body).token : undefined;
    default:
      return undefined;
  }
}
