import type { Clock } from '@hexbus/core';

/**
 * `reset` and `end` cut both sides, with RST or in order; `half-close` ends one way and swallows what still comes; `delay` holds one way for a
 * while; `stall` both, until `resume`.
 */
export type ChaosFault = 'reset' | 'end' | 'half-close' | 'delay' | 'stall';

/** The options of a proxy, completed. */
export interface ChaosSettings {
  readonly target: { readonly port: number; readonly host: string };
  readonly faults: readonly ChaosFault[];
  readonly maxBytesBetweenFaults: number;
  readonly maxMsBetweenFaults: number;
  readonly maxDelayMs: number;
  readonly clock: Clock;
}
