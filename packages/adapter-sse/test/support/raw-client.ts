import { connect, type Socket } from 'node:net';

export interface RawAnswer {
  readonly status: number;
  readonly head: string;
}

export interface RawQuestion {
  readonly method?: string;
  readonly path?: string;
  /** One that is undefined is left out. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: string | Buffer;
}

/** A client that writes what it likes, byte by byte. */
export class RawClient {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  #bytes: Buffer = Buffer.alloc(0);
  #isOver = false;
  #look = (): void => {};

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('error', () => {});
    this.socket.on('data', (chunk) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#look();
    });
    this.closed = new Promise((resolve) => {
      this.socket.on('close', () => {
        this.#isOver = true;
        this.#look();
        resolve();
      });
    });
  }

  /** Everything that came and was not taken. */
  get text(): string {
    return this.#bytes.toString();
  }

  ask({ method = 'GET', path = '/hexbus/sse', headers = {}, body = '' }: RawQuestion = {}): void {
    const length = body.length === 0 && method === 'GET' ? undefined : String(Buffer.byteLength(body));
    const all = { Host: 'lab.example', 'Content-Length': length, ...headers };
    const lines = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
    this.socket.write(`${[`${method} ${path} HTTP/1.1`, ...lines].join('\r\n')}\r\n\r\n`);
    if (body.length > 0) this.socket.write(body);
  }

  /** Opens a two-way stream. */
  open(body = '', headers: RawQuestion['headers'] = {}): void {
    this.ask({
      method: 'POST',
      headers: { 'Content-Type': 'application/x-ndjson', 'Hexbus-Protocol': 'lab.v1', ...headers },
      body,
    });
  }

  /** The head of the next answer; what follows it is left to be taken. */
  async answer(): Promise<RawAnswer> {
    await this.until(() => this.#bytes.includes('\r\n\r\n'));
    const end = this.#bytes.indexOf('\r\n\r\n');
    const head = this.#bytes.subarray(0, Math.max(end, 0)).toString();
    this.#bytes = this.#bytes.subarray(end + 4);
    return { status: Number(head.split(' ')[1]), head };
  }

  /** Takes everything up to the end of an event, or of the stream if that comes before. */
  async event(): Promise<string> {
    await this.until(() => this.#bytes.includes('\n\n'));
    const end = this.#bytes.indexOf('\n\n');
    const event = this.#bytes.subarray(0, end < 0 ? this.#bytes.length : end).toString();
    this.#bytes = this.#bytes.subarray(end < 0 ? this.#bytes.length : end + 2);
    return event;
  }

  /** Resolves when that is so, or the link is gone. */
  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#look = () => {
        if (condition() || this.#isOver) resolve();
      };
      this.#look();
    });
  }
}

/** A client whose two-way stream stands, and what was told about it. */
export async function opened(
  port: number,
  body = '',
): Promise<RawClient & { readonly link: string; readonly told: Record<string, unknown> }> {
  const client = new RawClient(port);
  client.open(body);
  const { status, head } = await client.answer();
  if (status !== 200) throw new Error(`no stream: ${head}`);
  const event = await client.event();
  const told = JSON.parse(event.replace(/^event: open\ndata: /, '')) as Record<string, unknown>;
  return Object.assign(client, { told, link: String(told['link']) });
}
