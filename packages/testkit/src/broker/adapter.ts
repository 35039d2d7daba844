import type { Randomness } from '@hexbus/core';
import type { Broker } from '@hexbus/core/gateway';
import type { VirtualClock } from '../fakes/virtual-clock.ts';

/** What a broker under test is made of. */
export interface BrokerContext {
  /** Its turns run by themselves. */
  readonly clock: VirtualClock;
  readonly randomness: Randomness;
  /** Letters, digits and dashes, never used before: good as a prefix of subjects. */
  readonly place: string;
}

/** How the suite gets at the brokers of one adapter. None of these functions opens anything. */
export interface BrokerAdapter {
  /** How test names call the adapter. */
  readonly name: string;
  /** A broker without nodes. */
  readonly create: (context: BrokerContext) => Broker;
  /** The same broker as another process has it. Left out: the nodes share one object. */
  readonly join?: ((context: BrokerContext) => Broker) | undefined;
  /** For a broker with a time of its own: waits until so much of it has passed. Left out: it asks the virtual clock, and leaves no timer on it. */
  readonly pass?: ((ms: number, context: BrokerContext) => Promise<void>) | undefined;
  /** How early or late a timeout may come. Default 1. */
  readonly toleranceMs?: number | undefined;
  /** How long what happens at once may take, in real time; 200 turns at least. Default 2,000. */
  readonly patienceMs?: number | undefined;
  /** Cleans up after a test. */
  readonly dispose?: ((context: BrokerContext) => void | Promise<void>) | undefined;
  /** The model-based property: how many runs (default 200), and the seed and path that a failure printed, to repeat it. */
  readonly property?: { readonly runs?: number; readonly seed?: number; readonly path?: string } | undefined;
}
