import { createServer, type Server } from 'node:http';
import { describe, expect, it } from 'vitest';
import type { Admit, ListeningTransport, Opened } from './host.ts';
import type { RawHead, RawSocket } from './raw-socket.ts';
import { listening } from './servers.ts';

/** The options that these tests pass. */
export interface SharedOptions {
  readonly server?: Server;
  readonly port?: number;
  readonly host?: string | undefined;
  readonly trustProxy?: number;
  readonly clientAddress?: () => string;
}

/** A client that asks to be let in. */
export interface Asking extends RawSocket {
  answer(): Promise<RawHead>;
}

/** A kind of transports that attach to an http.Server. */
export interface TransportKind {
  create(options: SharedOptions): ListeningTransport;
  /** One on a port of its own, open. It is closed after the test. */
  open(options?: SharedOptions, admit?: Admit): Promise<Opened>;
  ask(port: number, headers?: Readonly<Record<string, string | undefined>>): Asking;
}

const nobody = {
  node: 'lab',
  admit: () => Promise.reject(new Error('nobody should be asked')),
  relay: async () => undefined,
  onRelayed: () => {},
  error: () => {},
  closed: AbortSignal.abort(),
};

/** Where a transport listens, from when to when. */
export function testPlace({ create, open, ask }: TransportKind): void {
  it('rejects open with HEXBUS_CONFIG when the port is taken, and can be closed then', async () => {
    const { port, stop } = await listening(createServer());
    const transport = create({ port, host: '127.0.0.1' });
    await expect(transport.open(nobody)).rejects.toMatchObject({ code: 'HEXBUS_CONFIG' });
    await transport.close();
    await stop();
  });

  it('rejects open when it is closed meanwhile, and leaves the port free', async () => {
    const transport = create({ port: 0, host: 'localhost' });
    const opening = expect(transport.open(nobody)).rejects.toMatchObject({ code: 'HEXBUS_CLOSED' });
    await transport.close();
    await opening;
    expect(transport.port).toBeUndefined();
  });

  it('tells the port of the server that it is a guest of as long as it is one', async () => {
    const { server, port, stop } = await listening(createServer());
    const transport = create({ server });
    expect(transport.port).toBeUndefined();
    await transport.open(nobody);
    expect(transport.port).toBe(port);
    await transport.close();
    expect(transport.port).toBeUndefined();
    await stop();
  });

  it('tells draining clients when to come back, also those that the host is still thinking about', async () => {
    let decide = (): void => {};
    const decided = new Promise<void>((resolve) => {
      decide = resolve;
    });
    const { transport, port, handshakes, abandons } = await open({}, async () => {
      await decided;
      return { protocol: 'lab.v1' };
    });
    const early = ask(port);
    while (handshakes.length === 0) await new Promise((resolve) => setImmediate(resolve));
    transport.drain();
    const late = ask(port);
    expect(await late.answer()).toMatchObject({ status: 503, head: expect.stringContaining('Retry-After: 2') });
    decide();
    expect((await early.answer()).status).toBe(503);
    expect(abandons).toHaveLength(1);
  });
}

/** Whose address a client has. */
export function testAddresses({ open, ask }: TransportKind): void {
  const addressOf = async (options: SharedOptions, forwarded?: string) => {
    const { port, handshakes } = await open(options);
    const client = ask(port, { 'X-Forwarded-For': forwarded });
    await client.answer();
    client.socket.destroy();
    return handshakes[0]?.address;
  };

  describe('the address of a client', () => {
    it('is that of the socket, without the prefix of mapped addresses', async () => {
      expect(await addressOf({}, '10.0.0.1')).toBe('127.0.0.1');
      expect(await addressOf({ host: undefined })).toBe('127.0.0.1');
    });

    it('is what the trusted proxies wrote, never what the client wrote before them', async () => {
      expect(await addressOf({ trustProxy: 1 }, '6.6.6.6, 10.0.0.1')).toBe('10.0.0.1');
      expect(await addressOf({ trustProxy: 2 }, '6.6.6.6, 10.0.0.1, 10.0.0.2')).toBe('10.0.0.1');
      expect(await addressOf({ trustProxy: 2 }, '10.0.0.1')).toBe('10.0.0.1');
      expect(await addressOf({ trustProxy: 1 })).toBe('127.0.0.1');
    });

    it('is what clientAddress says', async () => {
      const clientAddress = () => 'from elsewhere';
      expect(await addressOf({ clientAddress, trustProxy: 1 }, '10.0.0.1')).toBe('from elsewhere');
    });

    it.each([
      ['throws', () => JSON.parse('{') as string, 'SyntaxError'],
      ['returns no text', () => undefined as never, 'HexbusError'],
    ])(
      'is not known where clientAddress %s: its client is to come back later, and the host is told',
      async (_, clientAddress, name) => {
        const { port, failures, handshakes } = await open({ clientAddress });
        const client = ask(port);
        expect(await client.answer()).toMatchObject({ status: 503, head: expect.stringContaining('Retry-After: 2') });
        client.socket.destroy();
        expect(failures).toEqual([expect.objectContaining({ name })]);
        expect(handshakes).toEqual([]);
      },
    );
  });
}
