import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttp2Server, createSecureServer } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { createSseTransport, type SseTransport } from '@hexbus/adapter-sse';
import type { Transport } from '@hexbus/core/gateway';
import { transportSuite } from '@hexbus/testkit';
import { describe, it } from 'vitest';
import { certificate } from '../../../test/support/transports/certificate.ts';
import type { Scheme } from './support/dial.ts';
import { connectSse } from './support/sse-client.ts';

const host = '127.0.0.1';

for (const chunked of [false, true]) {
  const ports = new WeakMap<Transport, number>();
  transportSuite(
    { describe, it },
    {
      name: `sse, own server${chunked ? ', chunked' : ''}`,
      create: () => createSseTransport({ port: 0, host, chunked }),
      connect(transport, options) {
        const port = (transport as SseTransport).port ?? ports.get(transport) ?? 0;
        ports.set(transport, port);
        return connectSse({ scheme: 'http', port }, options);
      },
    },
  );
}

const makers = {
  http: (handle: RequestListener) => createHttpServer(handle),
  https: (handle: RequestListener) => createHttpsServer(certificate, handle),
  h2c: (handle: RequestListener) => createHttp2Server(handle as never),
  h2: (handle: RequestListener) => createSecureServer(certificate, handle as never),
};

for (const scheme of Object.keys(makers) as Scheme[]) {
  const places = new WeakMap<Transport, { readonly server: Server; readonly port: number }>();
  const sockets = new WeakMap<Server, Set<Socket>>();
  transportSuite(
    { describe, it },
    {
      name: `sse, guest of ${scheme}`,
      async create() {
        const server = makers[scheme]((_, response) => void response.writeHead(404).end()) as Server;
        const open = new Set<Socket>();
        sockets.set(server, open);
        server.on('connection', (socket: Socket) => {
          open.add(socket);
          socket.on('close', () => open.delete(socket));
        });
        await new Promise<void>((resolve) => server.listen(0, host, resolve));
        const transport = createSseTransport({ server });
        places.set(transport, { server, port: (server.address() as AddressInfo).port });
        return transport;
      },
      connect: (transport, options) => connectSse({ scheme, port: places.get(transport)?.port ?? 0 }, options),
      async dispose(transport) {
        const { server } = places.get(transport) ?? {};
        if (server === undefined) return;
        const closed = new Promise((resolve) => server.close(resolve));
        for (const socket of sockets.get(server) ?? []) socket.destroy();
        await closed;
      },
    },
  );
}
