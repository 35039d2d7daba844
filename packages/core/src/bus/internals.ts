import type { Clock, Randomness } from '../clock.ts';
import type { PublishOptions, Receipt } from './api.ts';
import type { EndingListener, Hear } from './endings.ts';
import type { RetainedSide } from './log/retained-side.ts';
import type { TopicTable } from './topic-table.ts';

/** The key under which a bus gives its internals. Registered, so that two copies of core in one program can meet. */
export const busInternals: unique symbol = Symbol.for('hexbus.bus-internals') as never;

/** What the gateway and the message bridge build on: parts of a bus, owned by it. Not for users; may change with any version. */
export interface BusInternals {
  readonly topics: TopicTable;
  readonly clock: Clock;
  readonly randomness: Randomness;
  /** How long a handler may take by default. */
  readonly handleTimeoutMs: number;
  /** Undefined without a history, and before it is open. */
  readonly side: RetainedSide | undefined;
  readonly endings: Set<EndingListener>;
  /** As `publish`; `hear` is called before it returns, unless the topic is retained. */
  publishHeard(topic: string, body: unknown, options: PublishOptions, hear: Hear): Promise<Receipt>;
}
