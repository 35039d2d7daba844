import type { WebSocketConstructor } from '@hexbus/client';

export type FrameTuple = readonly [string | number, ...unknown[]];

/** The server's end of one WebSocket, as a test plays it. */
export class FakeSocket {
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  readyState = 0;
  /** What the client has closed it with. */
  closedWith: { readonly code: number | undefined; readonly reason: string | undefined } | undefined;
  readonly #sent: FrameTuple[] = [];
  #taken = 0;

  readonly url: string;
  readonly protocols: readonly string[];

  constructor(url: string, protocols: readonly string[]) {
    this.url = url;
    this.protocols = protocols;
  }

  /** All that the client sent. */
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

  /** Frames to the client, each as a message of its own. */
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

  /** What the client sent since the last call. */
  take(): FrameTuple[] {
    const fresh = this.#sent.slice(this.#taken);
    this.#taken = this.#sent.length;
    return fresh;
  }
}

/** Where a client's sockets end. */
export class FakeNetwork {
  readonly sockets: FakeSocket[] = [];
  readonly WebSocket: WebSocketConstructor;

  constructor() {
    const { sockets } = this;
    this.WebSocket = class extends FakeSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols);
        sockets.push(this);
      }
    };
  }

  /** The one that the client opened last. */
  get last(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error('the client has opened no socket');
    return socket;
  }
}
