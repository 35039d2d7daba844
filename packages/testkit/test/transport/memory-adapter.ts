import { createMemoryTransport, type MemoryTransport, type TransportAdapter } from '@hexbus/testkit';

export const memoryAdapter: TransportAdapter = {
  name: 'memory',
  create: createMemoryTransport,
  connect: (transport, { query, protocols, headers }) =>
    (transport as MemoryTransport).connect({
      url: `/${query}`,
      protocols,
      headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
    }),
};
