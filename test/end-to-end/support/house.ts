import { type Client, type ClientOptions, createClient } from '@hexbus/client';
import { type Bus, type BusOptions, createBus } from '@hexbus/core';
import { createGateway, type Gateway, type GatewayOptions } from '@hexbus/core/gateway';
import { createMemoryHistory } from '@hexbus/store-memory';
import { onTestFinished } from 'vitest';
import { optionsVia } from './client-options.ts';
import { Entrance } from './entrance.ts';
import type { Via } from './via.ts';

export interface House {
  readonly bus: Bus;
  readonly gateway: Gateway;
  readonly port: number;
  close(): Promise<void>;
}

/** Nothing that tests do in a hurry is to meet them. */
export const noLimits = {
  maxFramesPerSecond: Number.POSITIVE_INFINITY,
  maxBytesPerSecond: Number.POSITIVE_INFINITY,
  maxFrameBurst: Number.POSITIVE_INFINITY,
  maxByteBurst: Number.POSITIVE_INFINITY,
} as const;

/** An open bus with a gateway on a port of its own. Closed after the test. */
export async function openHouse(
  options: { readonly bus?: BusOptions; readonly gateway?: Partial<GatewayOptions>; readonly port?: number } = {},
): Promise<House> {
  const bus = createBus(
    options.bus ?? { history: createMemoryHistory(), topics: { '>': { retain: { maxCount: 100_000 } } } },
  );
  const entrance = new Entrance();
  const gateway = createGateway(bus, {
    transports: entrance.transports,
    authorize: () => true,
    ...options.gateway,
    timings: { drainMs: 0, helloTimeoutMs: 60_000, ...options.gateway?.timings },
  });
  const close = async (): Promise<void> => {
    await gateway.close();
    await bus.close();
    await entrance.close();
  };
  onTestFinished(close);
  await bus.open();
  await gateway.open();
  return { bus, gateway, port: await entrance.listen(options.port), close };
}

/** A client that comes by one transport, idle. Closed after the test. */
export function clientOf(via: Via, port: number, options: Partial<ClientOptions> = {}): Client {
  const common = optionsVia(via, port);
  const client = createClient({ ...common, ...options, timings: { ...common.timings, ...options.timings } });
  onTestFinished(() => client.close());
  return client;
}
