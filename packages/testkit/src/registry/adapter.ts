import type { Randomness } from '@hexbus/core';
import type { Registry } from '@hexbus/core/gateway';
import type { VirtualClock } from '../fakes/virtual-clock.ts';

/** What a registry under test is made of. */
export interface RegistryContext {
  /** Its turns run by themselves. */
  readonly clock: VirtualClock;
  readonly randomness: Randomness;
  /** Letters, digits and dashes, never used before: good as the name of a bucket or a prefix of keys. */
  readonly place: string;
}

/** How the suite gets at the registries of one adapter. None of these functions opens anything. */
export interface RegistryAdapter {
  /** How test names call the adapter. */
  readonly name: string;
  /** An empty registry. */
  readonly create: (context: RegistryContext) => Registry;
  /** The same registry as another process has it. Left out: the nodes share one object. */
  readonly join?: ((context: RegistryContext) => Registry) | undefined;
  /** For a registry with a time of its own: waits until so much of it has passed. Left out: it asks the virtual clock. */
  readonly pass?: ((ms: number, context: RegistryContext) => Promise<void>) | undefined;
  /** How early or late a lease may end. Default 1. */
  readonly toleranceMs?: number | undefined;
  /** Cleans up after a test. */
  readonly dispose?: ((context: RegistryContext) => void | Promise<void>) | undefined;
  /** The model-based property: how many runs (default 200), and the seed and path that a failure printed, to repeat it. */
  readonly property?: { readonly runs?: number; readonly seed?: number; readonly path?: string } | undefined;
}
