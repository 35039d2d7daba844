import type { FetchLike, WebSocketConstructor } from '@hexbus/client';
import { FakePost } from './fake-fetch.ts';
import type { FakePeer, FrameTuple } from './fake-peer.ts';
import { FakeSsePeer } from './fake-sse-peer.ts';

export type { FrameTuple } from './fake-peer.ts';

/** The server's end of one WebSocket, as a test plays it. */
export class FakeSocket implements FakePeer {
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  readyState = 0;
  closedWith: FakePeer['closedWith'];
  readonly #sent: FrameTuple[] = [];
  #taken = 0;

  readonly url: string;
  readonly protocols: readonly string[];

  constructor(url: string, protocols: readonly string[]) {
    this.url = url;
    this.protocols = protocols;
  }

  get sent(): readonly FrameTuple[] {
    return this.#sent;
  }

  send(text: string): void {
    this.#sent.push(JSON.parse(text) as FrameTuple);
  }

  close(code?: number, reason?: string): void {
    if (this.readyState >= 2) return;
    // As browsers do.
    if (code !== undefined && code !== 1000 && (code < 3000 || code > 4999)) throw new RangeError(`close code ${code}`);
    this.closedWith = { code, reason };
    this.readyState = 2;
    queueMicrotask(() => this.cut(code, reason));
  }

  accept(): void {
    this.readyState = 1;
    (this.onopen as () => void)();
  }

  say(...frames: readonly unknown[]): void {
    for (const frame of frames) this.sayText(JSON.stringify(frame));
  }

  sayText(data: unknown): void {
    if (this.readyState === 1) (this.onmessage as (event: object) => void)({ data });
  }

  cut(code = 1006, reason = ''): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    (this.onclose as (event: object) => void)({ code, reason });
  }

  take(): FrameTuple[] {
    const fresh = this.#sent.slice(this.#taken);
    this.#taken = this.#sent.length;
    return fresh;
  }
}

/** Where a client's links end. */
export class FakeNetwork {
  /** In the order in which the client opened them. */
  readonly peers: FakePeer[] = [];
  /** Those of them that are WebSockets. */
  readonly sockets: FakeSocket[] = [];
  readonly WebSocket: WebSocketConstructor;
  readonly fetch: FetchLike;

  constructor() {
    const { peers, sockets } = this;
    this.WebSocket = class extends FakeSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols);
        sockets.push(this);
        peers.push(this);
      }
    };
    const streams = new Map<string, FakeSsePeer>();
    this.fetch = (url, init) =>
      new Promise((resolve, reject) => {
        const post = new FakePost(url, init, resolve, reject);
        const link = post.headers['hexbus-link'];
        if (link !== undefined) {
          streams.get(link)?.posted(post);
          return;
        }
        const peer = new FakeSsePeer(`node.${peers.length}.key`, post);
        streams.set(peer.link, peer);
        peers.push(peer);
      });
  }

  /** The WebSocket that the client opened last. */
  get last(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error('the client has opened no socket');
    return socket;
  }
}
