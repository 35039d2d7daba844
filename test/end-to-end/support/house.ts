import { createWsTransport } from '@hexbus/adapter-ws';
import { type Client, type ClientOptions, createClient } from '@hexbus/client';
import { type Bus, type BusOptions, createBus } from '@hexbus/core';
import { createGateway, type Gateway, type GatewayOptions } from '@hexbus/core/gateway';
import { createMemoryHistory } from '@hexbus/store-memory';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { hasty } from './hasty.ts';

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
  const transport = createWsTransport({ port: options.port ?? 0, host: '127.0.0.1' });
  const gateway = createGateway(bus, {
    transports: [transport],
    authorize: () => true,
    ...options.gateway,
    timings: { drainMs: 0, ...options.gateway?.timings },
  });
  const close = async (): Promise<void> => {
    await gateway.close();
    await bus.close();
  };
  onTestFinished(close);
  await bus.open();
  await gateway.open();
  return { bus, gateway, port: transport.port ?? 0, close };
}

/** A client, idle. Closed after the test. */
export function clientOf(port: number, options: Partial<ClientOptions> = {}): Client {
  const { timings, ...others } = options;
  const client = createClient({
    url: `ws://127.0.0.1:${port}/hexbus`,
    WebSocket,
    timings: { ...hasty, ...timings },
    ...others,
  });
  onTestFinished(() => client.close());
  return client;
}
