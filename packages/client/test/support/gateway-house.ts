import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createSseTransport } from '@hexbus/adapter-sse';
import { createWsTransport } from '@hexbus/adapter-ws';
import { type Bus, createBus } from '@hexbus/core';
import { createGateway, type Gateway, type GatewayOptions } from '@hexbus/core/gateway';
import { createMemoryHistory } from '@hexbus/store-memory';
import { onTestFinished } from 'vitest';
import { freePort } from '../../../../test/support/free-port.ts';

export interface HouseOptions extends Pick<GatewayOptions, 'authenticate' | 'timings'> {
  readonly transports?: readonly ('ws' | 'sse')[] | undefined;
}

/** A bus that retains `log.>` and what is addressed to users, behind a gateway on a real server. */
export class House {
  readonly bus: Bus = createBus({
    history: createMemoryHistory(),
    topics: { 'log.>': { retain: { maxCount: 1_000 } }, '@user.>': { retain: { maxCount: 1_000 } } },
  });
  readonly #options: HouseOptions;
  #server: Server = createServer();
  #port: number | undefined;
  #gateway: Gateway | undefined;

  constructor(options: HouseOptions = {}) {
    this.#options = options;
    onTestFinished(async () => {
      await this.closeGateway();
      await this.bus.close();
    });
  }

  get port(): number {
    if (this.#port === undefined) throw new Error('the gateway was never open');
    return this.#port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hexbus`;
  }

  get server(): Server {
    return this.#server;
  }

  get gateway(): Gateway {
    if (this.#gateway === undefined) throw new Error('the gateway is not open');
    return this.#gateway;
  }

  async open(): Promise<void> {
    await this.bus.open();
    await this.openGateway();
  }

  /** At the same address as the one before. */
  async openGateway(): Promise<void> {
    const { transports = ['ws', 'sse'], authenticate = () => ({ userId: 'ann' }), timings } = this.#options;
    const server = createServer();
    this.#server = server;
    const { bus } = this;
    this.#gateway = createGateway(bus, {
      transports: transports.map((kind) =>
        kind === 'ws' ? createWsTransport({ server }) : createSseTransport({ server }),
      ),
      authenticate,
      authorize: () => true,
      resumeKey: 'the same for every gateway of this house',
      timings: { drainMs: 1, ...timings },
    });
    await this.#gateway.open();
    this.#port ??= await freePort();
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
  }

  async closeGateway(): Promise<void> {
    await this.#gateway?.close();
    this.#server.closeAllConnections();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }
}
