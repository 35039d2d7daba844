import {
  createGateway,
  createMemoryRegistry,
  type Gateway,
  type GatewayObserverEvents,
  type GatewayOptions,
  type Handshake,
} from '@hexbus/core/gateway';
import {
  createMemoryTransport,
  createSeededRandomness,
  type MemoryTransport,
  type VirtualClock,
} from '@hexbus/testkit';
import { afterEach, expect } from 'vitest';
import { busInternals } from '../../../src/bus/internals.ts';
import { addressOf } from '../../../src/gateway/addresses.ts';
import { type Buses, type TestBus, type TestBusOptions, useBuses, usualTopics } from '../../support/buses.ts';
import { type ClientHello, connectClient, knock, type TestClient } from './connect-client.ts';
import { createStreamTransport, type StreamTransport } from './stream-transport.ts';

export interface WorldOptions extends Omit<GatewayOptions, 'transports' | 'clock' | 'randomness'> {
  /** What the bus retains; `usualTopics` unless others are named. */
  readonly topics?: TestBusOptions['topics'];
  /** Other options of the bus. */
  readonly bus?: Omit<TestBusOptions, 'topics'>;
  /** A bus that is open already, of another world. */
  readonly on?: TestBus;
}

/** A gateway with a memory transport, and one for streams, on a bus, all on one virtual clock. */
export interface World extends TestBus {
  readonly host: TestBus;
  readonly gateway: Gateway;
  readonly transport: MemoryTransport;
  readonly streams: StreamTransport;
  /** A client that is let in. `user`: who it is, by the usual `authenticate`. */
  connect(hello?: ClientHello, user?: string): Promise<TestClient>;
  /** One that may not be: its link, when it has ended. */
  refused(hello?: ClientHello, user?: string): Promise<{ readonly code: number; readonly texts: readonly string[] }>;
  /** The events of an observer since the last call. `error` is watched in every world. */
  observed<Name extends keyof GatewayObserverEvents>(name: Name): readonly GatewayObserverEvents[Name][];
  /** Publishes these bodies, one after the other. */
  publish(topic: string, ...bodies: readonly unknown[]): Promise<void>;
  /** Who still receives at addresses, and is still known to the registry. */
  left(): Promise<Leftovers>;
  /** Closes the gateway, however much time that takes. */
  close(): Promise<void>;
}

export interface Leftovers {
  readonly connections: number;
  readonly registered: number;
  readonly links: number;
  readonly receivers: number;
  readonly followers: number;
}

export const nothingLeft: Leftovers = { connections: 0, registered: 0, links: 0, receivers: 0, followers: 0 };

export interface Gateways {
  readonly buses: Buses;
  open(options?: WorldOptions): Promise<World>;
}

/** Of the headers of its handshake: nobody, or the user that `user` names, with the capabilities of `caps`. */
function authenticate({ headers }: Handshake): { readonly userId?: string; readonly capabilities: readonly string[] } {
  const { user, caps = '' } = headers;
  return { ...(user === undefined ? {} : { userId: user }), capabilities: caps === '' ? [] : caps.split(',') };
}

/**
 * Makes gateways for the tests of one file. After each test every gateway is closed, then every bus, and each must have left nothing behind: no
 * connection, receiver, timer, turn, and no error that the test did not take.
 */
export function useGateways(): Gateways {
  const buses = useBuses();
  let worlds: World[] = [];

  // Runs before the buses are closed.
  afterEach(async () => {
    const made = worlds;
    worlds = [];
    for (const world of made) await world.close();
    for (const world of made) {
      if (world.bus.state === 'open') expect(await world.left()).toEqual(nothingLeft);
      expect(world.observed('error')).toEqual([]);
    }
  });

  return {
    buses,
    async open(options) {
      const world = await openWorld(buses, worlds.length, options);
      worlds.push(world);
      return world;
    },
  };
}

async function openWorld(buses: Buses, seed: number, options: WorldOptions = {}): Promise<World> {
  const { topics = usualTopics, bus: busOptions = {}, on, ...gatewayOptions } = options;
  const host = on ?? (await buses.open({ ...(busOptions.withoutHistory ? {} : { topics }), ...busOptions }));
  const { bus, clock } = host;
  const transport = createMemoryTransport();
  const streams = createStreamTransport();
  const registry = options.registry ?? createMemoryRegistry({ clock });
  const gateway = createGateway(bus, {
    authenticate,
    authorize: () => true,
    registry,
    ...gatewayOptions,
    transports: [transport, streams],
    clock,
    randomness: createSeededRandomness(1_000 + seed),
  });
  const watched = new Map<keyof GatewayObserverEvents, unknown[]>();
  watch('error');
  await gateway.open();
  const addresses = new Set<string>(['@all']);

  function watch(name: keyof GatewayObserverEvents): unknown[] {
    const events: unknown[] = [];
    watched.set(name, events);
    gateway.observe(name, (event) => events.push(event));
    return events;
  }

  function handshakeOf(user: string | undefined, hello: ClientHello): Partial<Handshake> {
    return { headers: { ...(user === undefined ? {} : { user }), caps: (hello.caps ?? []).join() } };
  }

  async function left(): Promise<Leftovers> {
    const { topics: table, side } = (bus as unknown as { [busInternals]: Internals })[busInternals];
    let receivers = 0;
    for (const address of addresses) receivers += table.get(address).subscribers.length;
    return {
      connections: gateway.connections.count,
      registered: (await registry.find({})).filter(({ node }) => node === gateway.node).length,
      links: transport.count + streams.count,
      receivers,
      followers: side?.followers.size ?? 0,
    };
  }

  return {
    ...host,
    host,
    gateway,
    transport,
    streams,
    async connect(hello = {}, user) {
      const client = await connectClient(transport, hello, handshakeOf(user, hello));
      const { session, connection } = client.welcome;
      addresses.add(addressOf({ session })).add(addressOf({ connection }));
      if (user !== undefined) addresses.add(addressOf({ user }));
      await clock.runAll();
      return client;
    },
    async refused(hello = {}, user) {
      const link = knock(transport, hello, handshakeOf(user, hello));
      const { code } = await link.closed;
      return { code, texts: link.take() };
    },
    observed(name) {
      const events = watched.get(name) ?? watch(name);
      return events.splice(0) as never;
    },
    async publish(topic, ...bodies) {
      for (const body of bodies) await bus.publish(topic, body);
      await clock.runAll();
    },
    left,
    close: () => closedInTime(gateway, clock),
  };
}

interface Internals {
  readonly topics: { get(topic: string): { readonly subscribers: readonly unknown[] } };
  readonly side: { readonly followers: ReadonlySet<unknown> } | undefined;
}

/** Lets as much time pass as closing needs. */
async function closedInTime(gateway: Gateway, clock: VirtualClock): Promise<void> {
  let closed = false;
  const closing = gateway.close().then(() => {
    closed = true;
  });
  for (let seconds = 0; !closed && seconds < 20; seconds++) await clock.advance(1_000);
  expect(closed, 'the gateway has closed').toBe(true);
  await closing;
}
