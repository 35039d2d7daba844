import { HexbusError } from '@hexbus/core';
import {
  type Broker,
  createGateway,
  createMemoryBroker,
  createMemoryRegistry,
  type Gateway,
  type GatewayOptions,
  type Registry,
  type Transport,
} from '@hexbus/core/gateway';
import { createMemoryTransport, createSeededRandomness, type MemoryTransport } from '@hexbus/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { heard, rejection, type TestBus, thrownBy, useBuses } from '../support/buses.ts';
import { deferred } from '../support/deferred.ts';
import { connectClient, knock } from './support/connect-client.ts';
import { withMethod } from './support/with-method.ts';

const buses = useBuses();
let host: TestBus;
let transport: MemoryTransport;
let registry: Registry;
let broker: Broker;
const gateways: Gateway[] = [];

beforeEach(async () => {
  host = await buses.open();
  transport = createMemoryTransport();
  registry = createMemoryRegistry({ clock: host.clock });
  broker = createMemoryBroker({ clock: host.clock });
});

afterEach(async () => {
  for (const gateway of gateways.splice(0)) await closed(gateway);
});

function make(options: Partial<GatewayOptions> = {}): Gateway {
  const { clock } = host;
  const gateway = createGateway(host.bus, {
    transports: [transport],
    registry,
    broker,
    clock,
    randomness: createSeededRandomness(gateways.length + 77),
    ...options,
  });
  gateways.push(gateway);
  return gateway;
}

async function closed(gateway: Gateway): Promise<void> {
  const closing = gateway.close();
  await host.clock.advance(10_000);
  await closing;
  expect(gateway.state).toBe('closed');
  expect(host.clock.pendingTimers, 'timers').toBe(0);
  expect(await registry.find({})).toEqual([]);
}

/** What each verb does in the present state: `ok`, or the code of its error. */
async function verbs(gateway: Gateway): Promise<Record<string, string>> {
  const calls: Record<string, () => unknown> = {
    find: () => gateway.connections.find(),
    post: () => gateway.post({ all: true }, 'Hello', 1),
    request: () => gateway.request({ connection: 'nobody' }, 'ask', 1),
    cursorOf: () => gateway.cursorOf({ user: 'nobody' }),
    disconnect: () => gateway.disconnect({ all: true }),
    revoke: () => gateway.revoke({ all: true }),
    handle: () => gateway.handle('name', () => 1)(),
    observe: () => gateway.observe('connected', () => {})(),
  };
  const results: Record<string, string> = {};
  for (const [name, call] of Object.entries(calls)) {
    try {
      await call();
      results[name] = 'ok';
    } catch (error) {
      results[name] = (error as HexbusError).code;
    }
  }
  return results;
}

const all = (result: string): Record<string, string> => ({
  find: result,
  post: result,
  request: result,
  cursorOf: result,
  disconnect: result,
  revoke: result,
  handle: 'ok',
  observe: 'ok',
});

describe('verbs by state', () => {
  it('idle, opening, open, closing, closed', async () => {
    const opened = deferred();
    const gateway = make({
      transports: [
        withMethod<Transport>(transport, 'open', (given: never) => transport.open(given).then(() => opened.promise)),
      ],
    });
    expect(gateway.state).toBe('idle');
    expect(await verbs(gateway)).toEqual(all('HEXBUS_NOT_OPEN'));
    const opening = gateway.open();
    expect(gateway.state).toBe('opening');
    expect(await verbs(gateway)).toEqual(all('HEXBUS_NOT_OPEN'));
    opened.resolve();
    await opening;
    expect(gateway.state).toBe('open');
    expect(await verbs(gateway)).toEqual(all('ok'));
    await connectClient(transport);
    await connectClient(transport);
    const closing = gateway.close();
    expect(gateway.state).toBe('closing');
    expect(await verbs(gateway)).toEqual(all('ok'));
    await host.clock.advance(10_000);
    await closing;
    expect(gateway.state).toBe('closed');
    expect(await verbs(gateway)).toEqual(all('HEXBUS_CLOSED'));
  });

  it('one handler a name, until it is ended', () => {
    const gateway = make();
    const end = gateway.handle('name', () => 1);
    expect(thrownBy(() => gateway.handle('name', () => 2))).toMatchObject({ code: 'HEXBUS_CONFIG' });
    end();
    const endSecond = gateway.handle('name', () => 2);
    // The first one's end is over and takes nothing from the second.
    end();
    expect(thrownBy(() => gateway.handle('name', () => 3))).toMatchObject({ code: 'HEXBUS_CONFIG' });
    endSecond();
  });
});

describe('opening', () => {
  it('is one promise, and closing another', async () => {
    const gateway = make();
    const opening = gateway.open();
    expect(gateway.open()).toBe(opening);
    await opening;
    expect(gateway.open()).toBe(opening);
    const closing = gateway.close();
    expect(gateway.close()).toBe(closing);
    await closing;
    expect(gateway.close()).toBe(closing);
    await gateway[Symbol.asyncDispose]();
  });

  it('waits for a bus that is open: until then it can be tried again', async () => {
    const idle = buses.make();
    const gateway = createGateway(idle.bus, { transports: [transport], clock: idle.clock });
    expect(await rejection(gateway.open())).toMatchObject({ code: 'HEXBUS_NOT_OPEN' });
    expect(gateway.state).toBe('idle');
    await idle.bus.open();
    await gateway.open();
    expect(gateway.state).toBe('open');
    await gateway.close();
  });

  it('knows what is retained, also of a bus that opens after the gateway was made', async () => {
    const retained = { retain: { maxCount: 10 } };
    const { bus, clock } = buses.make({ topics: { 'order.>': retained, '@user.>': retained } });
    const gateway = createGateway(bus, {
      transports: [transport],
      authenticate: () => ({ userId: 'ann' }),
      authorize: () => true,
      clock,
      timings: { drainMs: 0 },
    });
    await bus.open();
    await gateway.open();
    await bus.publish('order.a', 1);
    await gateway.post({ user: 'ann' }, 'Note', 2);
    const client = await connectClient(transport, { subs: [[1, 'order.a', 'earliest']] });
    await clock.runAll();
    expect(client.lines()).toEqual(['@user.ann#2 Note 2', 'RESULT 1 0 of 2', '[1] order.a#1 1', 'PING']);
    const closing = gateway.close();
    await clock.advance(1_000);
    await closing;
  });

  it('of a gateway that was closed is refused', async () => {
    const gateway = make();
    await gateway.close();
    expect(gateway.state).toBe('closed');
    expect(await rejection(gateway.open())).toMatchObject({ code: 'HEXBUS_CLOSED' });
  });

  const trouble = new HexbusError('HEXBUS_UNSUPPORTED', 'not today');
  const fail = (): Promise<never> => Promise.reject(trouble);
  const failing: readonly (readonly [string, () => Partial<GatewayOptions>])[] = [
    ['a transport', () => ({ transports: [transport, withMethod<Transport>(createMemoryTransport(), 'open', fail)] })],
    ['the registry', () => ({ registry: withMethod(registry, 'open', fail) })],
    ['the broker', () => ({ broker: withMethod(broker, 'open', fail) })],
  ];

  it.each(failing)('fails when %s does, and everything is freed', async (_, options) => {
    const gateway = make(options());
    const opening = heard(gateway.open());
    expect(await rejection(opening)).toBe(trouble);
    expect(gateway.state).toBe('closed');
    expect(gateway.open()).toBe(opening);
    expect(host.clock.pendingTimers).toBe(0);
    expect((await transport.connect().answer).accepted).toBe(false);
    expect(await rejection(transport.open({} as never))).toMatchObject({
      code: 'HEXBUS_CLOSED',
    });
    expect(await rejection(gateway.post({ all: true }, 'T', 1))).toMatchObject({ code: 'HEXBUS_CLOSED' });
  });

  const hang = (): Promise<never> => new Promise(() => {});
  const hanging: readonly (readonly [string, () => Partial<GatewayOptions>])[] = [
    ['a transport', () => ({ transports: [transport, withMethod<Transport>(createMemoryTransport(), 'open', hang)] })],
    ['the registry', () => ({ registry: withMethod(registry, 'open', hang) })],
    ['the broker', () => ({ broker: withMethod(broker, 'open', hang) })],
  ];

  it.each(hanging)(
    'that is closed meanwhile rejects, also when %s hangs, and everything is freed',
    async (_, options) => {
      const gateway = make(options());
      const opening = heard(gateway.open());
      await host.clock.runAll();
      expect(gateway.state).toBe('opening');
      const closing = gateway.close();
      expect(gateway.state).toBe('closing');
      expect(await rejection(opening)).toMatchObject({ code: 'HEXBUS_CLOSED' });
      await closing;
      expect(gateway.state).toBe('closed');
      expect(gateway.close()).toBe(closing);
      expect(host.clock.pendingTimers).toBe(0);
      expect((await transport.connect().answer).accepted).toBe(false);
    },
  );

  it.each(['succeeds', 'fails'])('that was given up and then %s opens nothing more', async (how) => {
    const held = deferred();
    const opened: string[] = [];
    const gateway = make({
      registry: withMethod(registry, 'open', () => held.promise),
      broker: withMethod(broker, 'open', async (node: string) => void opened.push(node)),
    });
    const opening = heard(gateway.open());
    await gateway.close();
    if (how === 'fails') held.reject(trouble);
    else held.resolve();
    await host.clock.runAll();
    expect(await rejection(opening)).toMatchObject({ code: 'HEXBUS_CLOSED' });
    expect(opened).toEqual([]);
    expect(host.clock.pendingTimers).toBe(0);
  });

  it('is given up by its signal, with its reason, and the gateway is closed', async () => {
    const controller = new AbortController();
    const gateway = make({ registry: withMethod(registry, 'open', hang) });
    const opening = heard(gateway.open({ signal: controller.signal }));
    await host.clock.runAll();
    controller.abort(trouble);
    expect(await rejection(opening)).toBe(trouble);
    expect(gateway.state).toBe('closed');
    expect(gateway.open()).toBe(opening);
    const late = make();
    expect(await rejection(late.open({ signal: controller.signal }))).toBe(trouble);
    expect(late.state).toBe('closed');
  });

  it('with a signal that is none is refused, and can be tried again', async () => {
    const gateway = make();
    expect(await rejection(gateway.open({ signal: new AbortController() as never }))).toMatchObject({
      code: 'HEXBUS_CONFIG',
    });
    await gateway.open({ signal: new AbortController().signal });
    expect(gateway.state).toBe('open');
  });
});

describe('closing', () => {
  it('leaves nothing behind, whatever clients were doing', async () => {
    const gateway = make({
      authenticateToken: () => new Promise(() => {}),
      authorize: () => new Promise(() => {}),
      authenticate: ({ headers }) => (headers['slow'] === undefined ? {} : new Promise(() => {})),
    });
    await gateway.open();
    gateway.handle('slow', () => new Promise(() => {}));
    const client = await connectClient(transport, { subs: [[1, 'order.a']] });
    client.send('slow', null, 2);
    client.send(18, 3, 'order.a', null, 1);
    client.send(11, 4, 'token');
    knock(transport, { token: 'never answered' });
    knock(transport, {}, { headers: { slow: 'yes' } });
    transport.connect();
    const asked = gateway.request({ connection: client.welcome.connection }, 'state', null, { timeoutMs: Infinity });
    await host.clock.runAll();
    expect(host.clock.pendingTimers).toBeGreaterThan(0);
    await closed(gateway);
    expect(await asked).toMatchObject({ status: 'error', code: 'disconnected' });
    expect(transport.count).toBe(0);
    expect(gateway.connections.count).toBe(0);
  });

  it('leaves the bus open', async () => {
    const gateway = make();
    await gateway.open();
    await gateway.close();
    expect(host.bus.state).toBe('open');
  });

  it('leaves its transports last, with nobody on them: whoever comes while it leaves all else is told by them to come again', async () => {
    const left = deferred();
    let links: number | undefined;
    const gateway = make({
      transports: [
        withMethod<Transport>(transport, 'close', () => {
          links ??= transport.count;
          return transport.close();
        }),
      ],
      registry: withMethod(registry, 'close', (node: string) => left.promise.then(() => registry.close(node))),
      timings: { drainMs: 0 },
    });
    await gateway.open();
    const straggler = await connectClient(transport);
    straggler.link.pause();
    const closing = gateway.close();
    await host.clock.advance(0);
    expect(await straggler.link.closed).toMatchObject({ code: 1006 });
    expect(await transport.connect().answer).toMatchObject({ accepted: false, status: 503 });
    expect(links).toBeUndefined();
    left.resolve();
    await closing;
    expect(links).toBe(0);
  });

  it('waits a second for a broker that hangs', async () => {
    const gateway = make({ broker: withMethod(broker, 'close', () => new Promise(() => {})), timings: { drainMs: 0 } });
    await gateway.open();
    const closing = gateway.close();
    await host.clock.advance(999);
    expect(gateway.state).toBe('closing');
    await host.clock.advance(1);
    await closing;
    expect(gateway.state).toBe('closed');
  });

  const trouble = new Error('stuck');
  const reject = (): Promise<never> => Promise.reject(trouble);
  const fail = (): never => {
    throw trouble;
  };
  const stuck = (verb: 'drain' | 'close', how: () => unknown): Partial<GatewayOptions> => ({
    transports: [withMethod<Transport>(createMemoryTransport(), verb, how), transport],
  });

  it.each<readonly [string, () => Partial<GatewayOptions>]>([
    ['a broker that rejects', () => ({ broker: withMethod(broker, 'close', reject) })],
    ['a broker that throws', () => ({ broker: withMethod(broker, 'close', fail) })],
    ['a transport that rejects', () => stuck('close', reject)],
    ['a transport that throws', () => stuck('close', fail)],
    ['a transport that throws when it drains', () => stuck('drain', fail)],
  ])('tells the observer of %s, and closes the rest', async (_, options) => {
    const errors: unknown[] = [];
    const gateway = make(options());
    gateway.observe('error', ({ error }) => errors.push(error));
    await gateway.open();
    await closed(gateway);
    expect(errors).toEqual([trouble]);
    expect((await transport.connect().answer).accepted).toBe(false);
  });
});
