import { createMemoryTransport, type MemoryTransport, transportSuite } from '@hexbus/testkit';
import { describe, it } from 'vitest';

transportSuite(
  { describe, it },
  {
    name: 'memory',
    create: createMemoryTransport,
    connect: (transport, { query, protocols, headers }) =>
      (transport as MemoryTransport).connect({
        url: `/${query}`,
        protocols,
        headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
      }),
    patienceMs: 1_000,
  },
);
