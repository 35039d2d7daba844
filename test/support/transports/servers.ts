import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A server of the program on a free port. */
export async function listening(server: Server): Promise<{ server: Server; port: number; stop(): Promise<void> }> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    server,
    port: (server.address() as AddressInfo).port,
    stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}
