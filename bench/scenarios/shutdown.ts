import type { Contestant, Scenario } from '../harness.ts';
import { Clients } from '../wire/clients.ts';
import { openHexbus, type ServerKind } from '../wire/hexbus-server.ts';

const drainMs = 2000;

function closing(kind: ServerKind): Contestant {
  return async (_, { quick }) => {
    const server = await openHexbus(undefined, kind, drainMs);
    return await Clients.with(kind === 'ws' ? 'hexbus' : 'hexbus events', async (clients) => {
      await clients.do({ do: 'connect', port: server.port, count: quick ? 5 : 1000, together: 100, messages: 0 });
      const begun = performance.now();
      await server.close();
      return performance.now() - begun - drainMs;
    });
  };
}

const variant = '1,000 clients';
const kinds: Readonly<Record<string, ServerKind>> = { 'hexbus over WebSocket': 'ws', 'hexbus over SSE': 'sse' };

export const shutdown: Scenario = {
  name: 'shutdown',
  group: 'gateway',
  title: 'a server closes with all its clients connected',
  unit: 'ms behind the window',
  about:
    'The time until `gateway.close()` and `bus.close()` have resolved, without the 2,000 ms of `drainMs` over which clients are sent away. Tests hold the same on virtual time.',
  variants: [variant],
  contestants: Object.fromEntries(Object.entries(kinds).map(([name, kind]) => [name, closing(kind)])),
  goals: Object.keys(kinds).map((contestant) => ({ contestant, variant, atMost: 1000, note: 'issue' })),
  rounds: 5,
};
