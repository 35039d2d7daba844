import { type RawHead, RawSocket } from '../../../../test/support/transports/raw-socket.ts';

export interface RawQuestion {
  readonly method?: string;
  readonly path?: string;
  /** One that is undefined is left out. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: string | Buffer;
}

/** A client of event streams that writes what it likes, byte by byte. */
export class RawClient extends RawSocket {
  /** Everything that came and was not taken. */
  get text(): string {
    return this.bytes.toString();
  }

  ask({ method = 'GET', path = '/hexbus/sse', headers = {}, body = '' }: RawQuestion = {}): void {
    const length = body.length === 0 && method === 'GET' ? undefined : String(Buffer.byteLength(body));
    this.askFor(method, path, { 'Content-Length': length, ...headers });
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

  answer(): Promise<RawHead> {
    return this.head();
  }

  /** Takes everything up to the end of an event, or of the stream if that comes before. */
  async event(): Promise<string> {
    await this.until(() => this.bytes.includes('\n\n'));
    const end = this.bytes.indexOf('\n\n');
    const event = this.bytes.subarray(0, end < 0 ? this.bytes.length : end).toString();
    this.bytes = this.bytes.subarray(end < 0 ? this.bytes.length : end + 2);
    return event;
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
