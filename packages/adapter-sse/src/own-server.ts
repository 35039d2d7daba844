import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { HexbusError } from '@hexbus/core';

export interface OwnServerOptions {
  readonly port: number;
  readonly host: string | undefined;
  readonly handshakeTimeoutMs: number;
  readonly bodyTimeoutMs: number;
}

/** As Node answers them where nobody listens for `clientError`; all else is 400. */
const statusOfError: Readonly<Record<string, number | undefined>> = {
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** A 400 ends an EventSource for good, so who was cut in the middle of a request gets no answer and comes again. */
function answerBroken({ code = '' }: NodeJS.ErrnoException, socket: Duplex): void {
  if (code !== 'HPE_INVALID_EOF_STATE' && socket.writable) {
    const status = statusOfError[code] ?? 400;
    socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n\r\n`);
  }
  socket.destroy();
}

/** A server for event streams alone: of what `take` does not take it knows nothing, and it ends clients that take too long to ask. */
export class OwnServer {
  readonly server: Server;
  readonly #options: OwnServerOptions;
  readonly #sockets = new Set<Socket>();

  constructor(options: OwnServerOptions, take: (request: IncomingMessage, response: ServerResponse) => boolean) {
    const { handshakeTimeoutMs, bodyTimeoutMs } = options;
    this.#options = options;
    this.server = createServer({
      headersTimeout: handshakeTimeoutMs,
      // The bodies that matter are timed where they are read.
      requestTimeout: handshakeTimeoutMs + 2 * bodyTimeoutMs,
      connectionsCheckingInterval: Math.ceil(handshakeTimeoutMs / 2),
    });
    this.server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.server.on('clientError', answerBroken);
    this.server.on('request', (request, response) => {
      if (!take(request, response)) response.writeHead(404, { connection: 'close' }).end();
    });
  }

  listen(): Promise<void> {
    const { port, host } = this.#options;
    return new Promise((resolve, reject) => {
      this.server.on('error', (cause) => {
        reject(new HexbusError('HEXBUS_CONFIG', `port ${port} cannot be listened on: ${cause.message}`, { cause }));
      });
      this.server.listen(port, host, resolve);
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => resolve());
      for (const socket of this.#sockets) socket.destroy();
    });
  }
}
