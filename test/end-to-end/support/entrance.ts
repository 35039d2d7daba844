import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { createSseTransport } from '@hexbus/adapter-sse';
import { createWsTransport } from '@hexbus/adapter-ws';
import type { Transport } from '@hexbus/core/gateway';
import { freePort } from '../../support/free-port.ts';

/** One HTTP server with every transport, so that a client may come by either. */
export class Entrance {
  readonly transports: readonly Transport[];
  readonly #server = createServer();

  /** `page`: what is served at `/`, with nothing beside it. */
  constructor(page?: string) {
    const server = this.#server;
    // Node answers 400 to a request that a proxy cut in the middle, and that would end an EventSource for good.
    server.on('clientError', (_, socket) => socket.destroy());
    server.on('request', ({ url = '' }, response) => {
      if (page === undefined || url.startsWith('/hexbus')) return;
      response.writeHead(url === '/' ? 200 : 404, { 'content-type': 'text/html' }).end(url === '/' ? page : '');
    });
    this.transports = [createWsTransport({ server }), createSseTransport({ server, retryMs: 20 })];
  }

  onConnection(listener: (socket: Socket) => void): void {
    this.#server.on('connection', listener);
  }

  /** Resolves with the port, which is there for the next server too. */
  async listen(port?: number): Promise<number> {
    const chosen = port ?? (await freePort());
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject).listen(chosen, '127.0.0.1', resolve);
    });
    return chosen;
  }

  /** To be called when the gateway has closed. Who knocked just then gets no answer, and comes back. */
  async close(): Promise<void> {
    await new Promise((resolve) => {
      this.#server.close(resolve);
      this.#server.closeAllConnections();
    });
  }
}
