import { createSseTransport } from '@hexbus/adapter-sse';
import { createWsTransport } from '@hexbus/adapter-ws';
import { type Bus, createBus, type HistoryStore } from '@hexbus/core';
import { createGateway, type Gateway } from '@hexbus/core/gateway';
import type { BodyMap } from '../retained-bus.ts';

/** A gateway whose clients may follow everything. */
export interface HexbusServer {
  readonly bus: Bus<BodyMap>;
  readonly gateway: Gateway;
  readonly port: number;
  close(): Promise<void>;
}

export type ServerKind = 'ws' | 'sse';

/** With a history every topic is retained. */
export async function openHexbus(history?: HistoryStore, kind: ServerKind = 'ws', drainMs = 0): Promise<HexbusServer> {
  const bus = createBus<BodyMap>(
    history === undefined ? {} : { history, topics: { '>': { retain: { maxCount: 10_000 } } } },
  );
  await bus.open();
  const place = { port: 0, host: '127.0.0.1' };
  const transport = kind === 'ws' ? createWsTransport(place) : createSseTransport(place);
  const gateway = createGateway(bus, {
    transports: [transport],
    authenticate: () => ({}),
    authorize: () => true,
    resumeKey: 'the same key for every start of it',
    limits: { maxConnectionsPerAddress: 10_000 },
    timings: { drainMs },
  });
  gateway.observe('error', ({ error }) => process.stderr.write(`${error}\n`));
  await gateway.open();
  return {
    bus,
    gateway,
    port: transport.port as number,
    async close() {
      await gateway.close();
      await bus.close();
    },
  };
}
