/** A server that asks its clients what they never answer, and closes when it is told. Ends by itself. */
import { createBus } from '@hexbus/core';
import { createGateway } from '@hexbus/core/gateway';
import { createSqliteHistory } from '@hexbus/store-sqlite';
import { argumentOf, obey } from '../support/commands.ts';
import { Entrance } from '../support/entrance.ts';
import { Watch } from '../support/watch.ts';

export interface ClosingServerArgument {
  readonly file: string;
  readonly drainMs: number;
  readonly port?: number;
}

const { file, drainMs, port } = argumentOf<ClosingServerArgument>();
const bus = createBus({ history: createSqliteHistory({ file }), topics: { '>': { retain: { maxCount: 1_000 } } } });
const entrance = new Entrance();
const gateway = createGateway(bus, {
  transports: entrance.transports,
  authorize: () => true,
  limits: { maxConnectionsPerAddress: 2_000 },
  timings: { drainMs, helloTimeoutMs: 60_000 },
});
const watch = new Watch();
let asked = 0;
let statuses: Promise<readonly string[]> = Promise.resolve([]);
gateway.handle('hang', () => {
  asked += 1;
  watch.changed();
  return new Promise(() => undefined);
});

async function ask(connection: string): Promise<string> {
  const outcome = await gateway.request({ connection }, 'hang', null, { timeoutMs: Number.POSITIVE_INFINITY });
  return outcome.status === 'error' ? outcome.code : outcome.status;
}

obey({
  async open(): Promise<number> {
    await bus.open();
    await gateway.open();
    return entrance.listen(port);
  },
  publish: (bodies: readonly number[]) => Promise.all(bodies.map((body) => bus.publish('news', body))),
  /** Asks so many clients. */
  async ask(count: number): Promise<void> {
    const entries = await gateway.connections.find();
    statuses = Promise.all(entries.slice(0, count).map(({ id }) => ask(id)));
  },
  /** Resolves when so many clients have asked. */
  asked: (count: number) => watch.until(() => asked === count),
  /** Resolves with how the requests to clients ended. */
  async close(): Promise<readonly string[]> {
    await gateway.close();
    await bus.close();
    await entrance.close();
    return statuses;
  },
});
