import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import type { FastifyPluginAsync, FastifyReply } from 'fastify';

/** The most that comes before the first event. */
export const streamHead = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n\r\n';
export const greeting = 'data: welcome\n\n';

export function portOf(server: { address(): AddressInfo | string | null }): number {
  return (server.address() as AddressInfo).port;
}

/** Also with streams open, which end. */
export function closeServer(server: Server): void {
  server.close();
  server.closeAllConnections();
}

/** An event as everybody writes it. */
export function eventOf(body: unknown, id?: number): string {
  return `${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(body)}\n\n`;
}

/** The least that a server of streams does: takes any request for one, and gives the socket on with what was asked. */
export async function openHandStreams(
  connected: (socket: Socket, request: string) => void,
): Promise<{ port: number; close(): void }> {
  const sockets = new Set<Socket>();
  const server = createTcpServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.once('data', (request: Buffer) => connected(socket, request.toString('latin1')));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: portOf(server),
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** An HTTP server, listening. */
export async function openHttp(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ server: Server; port: number; close(): void }> {
  const server = createServer(handler);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    server,
    port: portOf(server),
    close: () => closeServer(server),
  };
}

/** A server of Fastify with its plugin of streams, listening. The plugin is what its module is, not the `default` that its types tell of. */
export async function openFastify(
  connected: (reply: FastifyReply) => Promise<void>,
): Promise<{ port: number; close(): void }> {
  const [{ default: fastify }, { default: plugin }] = await Promise.all([import('fastify'), import('@fastify/sse')]);
  const app = fastify();
  await app.register(plugin as unknown as FastifyPluginAsync);
  app.get('/', { sse: { kind: 'only', heartbeat: false } }, async (_, reply) => {
    reply.sse.keepAlive();
    await connected(reply);
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  return { port: portOf(app.server), close: () => closeServer(app.server) };
}
