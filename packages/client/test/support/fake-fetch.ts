import type { FetchLike } from '@hexbus/client';

type FetchInit = Parameters<FetchLike>[1];

/** The stream that answers a POST, as a test writes it. */
export class FakeStream {
  readonly #encoder = new TextEncoder();
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  readonly readable: ReadableStream<Uint8Array> = new ReadableStream({
    start: (controller) => {
      this.#controller = controller;
    },
  });
  over = false;

  writeBytes(bytes: Uint8Array): void {
    if (!this.over) this.#controller?.enqueue(bytes);
  }

  write(text: string): void {
    this.writeBytes(this.#encoder.encode(text));
  }

  /** What the transport says first. */
  open(fields: object = { link: 'node.id.key', protocol: 'hexbus.v1.json', maxBodyBytes: 65_536 }): void {
    this.write(`event: open\ndata: ${JSON.stringify(fields)}\n\n`);
  }

  say(...frames: readonly unknown[]): void {
    for (const frame of frames) this.write(`data: ${JSON.stringify(frame)}\n\n`);
  }

  /** As the server closes. */
  close(code: number, reason: string): void {
    this.write(`event: close\ndata: ${JSON.stringify({ code, reason })}\n\n`);
    this.end();
  }

  end(): void {
    if (!this.over) this.#controller?.close();
    this.over = true;
  }

  fail(reason: unknown = new TypeError('terminated')): void {
    if (!this.over) this.#controller?.error(reason);
    this.over = true;
  }
}

/** One POST of the client, which the test answers. */
export class FakePost {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly texts: readonly string[];
  readonly keepalive: boolean;
  readonly signal: AbortSignal;
  readonly #resolve: (response: Response) => void;
  readonly #reject: (reason: unknown) => void;
  #stream: FakeStream | undefined;

  constructor(url: string, init: FetchInit, resolve: (response: Response) => void, reject: (reason: unknown) => void) {
    this.url = url;
    this.headers = init.headers;
    this.texts = init.body === '' ? [] : init.body.split('\n');
    this.keepalive = init.keepalive;
    this.signal = init.signal;
    this.#resolve = resolve;
    this.#reject = reject;
    init.signal.addEventListener('abort', () => {
      reject(init.signal.reason);
      this.#stream?.fail(init.signal.reason);
    });
  }

  get aborted(): boolean {
    return this.signal.aborted;
  }

  answer(status: number, headers: Record<string, string> = {}): void {
    this.#resolve(new Response(null, { status, headers }));
  }

  /** No answer. */
  fail(): void {
    this.#reject(new TypeError('fetch failed'));
  }

  stream(contentType = 'text/event-stream'): FakeStream {
    this.#stream = new FakeStream();
    this.#resolve(new Response(this.#stream.readable, { headers: { 'content-type': contentType } }));
    return this.#stream;
  }
}

/** Where a client's POSTs end. */
export class FakeServer {
  readonly posts: FakePost[] = [];
  readonly fetch: FetchLike = (url, init) =>
    new Promise((resolve, reject) => {
      this.posts.push(new FakePost(url, init, resolve, reject));
    });

  get last(): FakePost {
    const post = this.posts.at(-1);
    if (post === undefined) throw new Error('the client has posted nothing');
    return post;
  }
}
