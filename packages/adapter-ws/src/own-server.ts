import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { HexbusError } from '@hexbus/core';
import { pathOf } from './handshake.ts';

export interface OwnServerOptions {
  readonly port: number;
  readonly host: string | undefined;
  readonly path: string;
  readonly handshakeTimeoutMs: number;
}

/** A server for WebSockets alone: tells plain requests so, and ends clients that take too long to ask. */
export class OwnServer {
  readonly server: Server;
  readonly #options: OwnServerOptions;
  readonly #sockets = new Set<Socket>();

  constructor(options: OwnServerOptions) {
    this.#options = options;
    this.server = createServer({
      headersTimeout: options.handshakeTimeoutMs,
      requestTimeout: options.handshakeTimeoutMs,
      connectionsCheckingInterval: Math.ceil(options.handshakeTimeoutMs / 2),
    });
    this.server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.server.on('request', (request, response) => {
      const status = pathOf(request) === options.path ? 426 : 404;
      response.writeHead(status, { connection: 'close', ...(status === 426 && { upgrade: 'websocket' }) }).end();
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
