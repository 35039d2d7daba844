import { type Client, type ClientOptions, createClient } from '@hexbus/client';
import {
  createEventLog,
  createSeededRandomness,
  createVirtualClock,
  type EventLog,
  type VirtualClock,
} from '@hexbus/testkit';
import { FakeNetwork, type FakeSocket } from './fake-network.ts';
import type { FakePeer, FrameTuple } from './fake-peer.ts';

export interface Bench {
  readonly client: Client;
  readonly clock: VirtualClock;
  readonly network: FakeNetwork;
  readonly log: EventLog;
  /** Opens, if it was not, and plays the server up to the welcome. Returns the socket, its HELLO not taken. */
  welcome(fields?: object): Promise<FakeSocket>;
  /** Lets promises run. */
  settle(): Promise<void>;
}

/** A client on a virtual clock, whose server the test plays. */
export function createBench(options: Partial<ClientOptions> = {}): Bench {
  const clock = createVirtualClock();
  const network = new FakeNetwork();
  const client = createClient({
    url: 'ws://bus.test/hexbus',
    WebSocket: network.WebSocket,
    fetch: network.fetch,
    clock,
    randomness: createSeededRandomness(1),
    ...options,
  });
  return {
    client,
    clock,
    network,
    log: createEventLog(),
    settle: () => clock.runAll(),
    async welcome(fields = {}) {
      void client.open();
      await clock.runAll();
      const socket = network.last;
      socket.accept();
      socket.say(welcome(fields));
      await clock.runAll();
      return socket;
    },
  };
}

export function welcome(fields: object = {}): FrameTuple {
  const defaults = {
    session: 'urn:s1',
    secret: 'x',
    connection: 'c1',
    token: 'e.0',
    resumed: false,
    caps: [],
    pingMs: 25_000,
  };
  return [2, { v: 1, ...defaults, ...fields }];
}

/** An event of a retained topic for everybody. */
export function event(
  position: number,
  topic: string,
  body: unknown = position,
  type: string | null = null,
): FrameTuple {
  return [5, `e.${position}`, topic, type, body, attributes(`m${position}`)];
}

/** The same for some subscriptions. */
export function eventFor(subs: readonly number[], token: string, position: number, topic: string): FrameTuple {
  return [17, subs, token, `e.${position}`, topic, null, position, attributes(`m${position}`)];
}

/** The answer to a subscription. */
export function subscribed(id: number, start: number, token: string = `e.${start}`): FrameTuple {
  return [8, id, { start: `e.${start}`, head: `e.${start}`, token }];
}

export function attributes(id: string): object {
  return { id, time: 1_000 };
}

/** The frames of one type. */
export function framesOf(socket: FakePeer, type: string | number): FrameTuple[] {
  return socket.sent.filter(([first]) => first === type);
}

/** The session of `welcome`. */
export const session = { session: 'urn:s1', secret: 'x' };

/** Cuts the connection, waits for the next one, and returns what its HELLO says. */
export async function comeBack({ network, clock }: Bench): Promise<Record<string, unknown>> {
  network.last.cut();
  await clock.advance(4_000);
  network.last.accept();
  const [[, hello] = []] = network.last.take();
  return hello as Record<string, unknown>;
}

/** A promise that a test settles, for handlers that take their time. */
export class Gate {
  readonly promise: Promise<void>;
  open: () => void = () => undefined;
  fail: (error: Error) => void = () => undefined;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.open = resolve;
      this.fail = reject;
    });
  }
}
