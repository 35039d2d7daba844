import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createWsTransport, type WsTransport } from '@hexbus/adapter-ws';
import type { Transport } from '@hexbus/core/gateway';
import { type ConnectOptions, transportSuite } from '@hexbus/testkit';
import { describe, it } from 'vitest';
import { certificate } from '../../../test/support/transports/certificate.ts';
import { connectWs } from './support/ws-client.ts';

const host = '127.0.0.1';

/** Where each transport is, or was when it was open. */
const ports = new WeakMap<Transport, number>();

function connectTo(scheme: 'ws' | 'wss', deflate: boolean) {
  return (transport: Transport, options: ConnectOptions) => {
    const port = (transport as WsTransport).port ?? ports.get(transport) ?? 0;
    ports.set(transport, port);
    return connectWs(`${scheme}://${host}:${port}/hexbus`, { ...options, deflate });
  };
}

for (const deflate of [false, true]) {
  transportSuite(
    { describe, it },
    {
      name: deflate ? 'ws, own server, compressed' : 'ws, own server',
      create: () => createWsTransport({ port: 0, host, perMessageDeflate: deflate }),
      connect: connectTo('ws', deflate),
    },
  );
}

for (const scheme of ['ws', 'wss'] as const) {
  const servers = new WeakMap<Transport, Server>();
  transportSuite(
    { describe, it },
    {
      name: `${scheme}, guest`,
      async create() {
        const handle: RequestListener = (_, response) => void response.writeHead(404).end();
        const server = scheme === 'ws' ? createHttpServer(handle) : createHttpsServer(certificate, handle);
        await new Promise<void>((resolve) => server.listen(0, host, resolve));
        const transport = createWsTransport({ server });
        servers.set(transport, server);
        ports.set(transport, (server.address() as AddressInfo).port);
        return transport;
      },
      connect: connectTo(scheme, false),
      async dispose(transport) {
        const server = servers.get(transport);
        const closed = new Promise((resolve) => server?.close(resolve));
        server?.closeAllConnections();
        await closed;
      },
    },
  );
}
