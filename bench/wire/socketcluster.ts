import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';

/** The part of socketcluster-server that is measured; the package brings no types. */
export interface ClusterServer {
  readonly exchange: { transmitPublish(channel: string, body: unknown): unknown };
  listener(event: 'connection'): AsyncIterable<{ readonly socket: ClusterSocket }>;
}

export interface ClusterSocket {
  invoke(name: string, body: unknown): Promise<unknown>;
}

export async function openSocketCluster(): Promise<{ cluster: ClusterServer; port: number; close(): void }> {
  const { attach } = createRequire(import.meta.url)('socketcluster-server') as {
    attach(server: unknown, options: object): ClusterServer;
  };
  const server = createServer();
  const cluster = attach(server, { pingInterval: 3_600_000, pingTimeoutDisabled: true, ackTimeout: 10_000 });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { cluster, port: (server.address() as AddressInfo).port, close: () => server.close() };
}
