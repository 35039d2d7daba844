import type { CancelTimer, Clock } from '../../clock.ts';
import type { Head, HistoryStore } from '../../ports/history-store.ts';
import { HeldQueue } from '../delivery/held-queue.ts';
import type { Observers } from '../observers.ts';
import type { BusSettings } from '../options.ts';
import type { TopicTable } from '../topic-table.ts';
import { type Destinations, Distributor } from './distributor.ts';
import { createReadEarlier } from './earlier-messages.ts';
import type { NamedCursors } from './named-cursors.ts';
import { HistoryReader } from './reading.ts';
import type { RetainedParts } from './retained-parts.ts';
import { Tail } from './tail.ts';
import { Writer } from './writer.ts';

interface Followed {
  readonly all: Iterable<{ doubt(): void }>;
}

export interface RetainedSideOptions {
  readonly settings: BusSettings;
  readonly history: HistoryStore;
  /** What the history answered when it was opened. */
  readonly head: Head;
  readonly topics: TopicTable;
  readonly names: NamedCursors;
  readonly observers: Observers;
  readonly subscriptions: Followed;
}

/** What a bus consists of behind an open history: its tail, its writer, its reader and its held queues. */
export class RetainedSide implements RetainedParts, Destinations {
  readonly history: HistoryStore;
  readonly tail: Tail;
  readonly writer: Writer;
  readonly reader: HistoryReader;
  readonly names: NamedCursors;
  readonly clock: Clock;
  readonly observers: Observers;
  /** Others that follow the history and want to know when the bus is no longer sure of the head. */
  readonly followers: Set<{ doubt(): void }> = new Set();
  readonly #subscriptions: Followed;
  /** Of the held topics that somebody listens to here, or has just left. */
  readonly heldQueues: Map<string, HeldQueue> = new Map();
  readonly #settings: BusSettings;
  #cancelTrim: CancelTimer | undefined;

  constructor(options: RetainedSideOptions) {
    const { settings, history, head, topics, names, observers, subscriptions } = options;
    this.#settings = settings;
    this.history = history;
    this.names = names;
    this.observers = observers;
    this.clock = settings.clock;
    // Only patterns that write it out match what begins with @.
    const addresses = settings.retention.filter(({ kind, pattern }) => kind === 'limits' && pattern.startsWith('@'));
    this.tail = new Tail(head, createReadEarlier(history, ['>', ...addresses.map(({ pattern }) => pattern)]));
    this.reader = new HistoryReader(history, this.tail);
    this.#subscriptions = subscriptions;
    this.writer = new Writer(this, settings.maxPendingBytes, new Distributor(this, topics));
    this.#trimByAge();
  }

  /** The queue of a held topic; made when somebody attaches. */
  heldQueue(topic: string): HeldQueue {
    let queue = this.heldQueues.get(topic);
    if (queue === undefined) {
      queue = new HeldQueue(this, topic, () => this.heldQueues.delete(topic));
      this.heldQueues.set(topic, queue);
    }
    return queue;
  }

  /** The bus is no longer sure of the head. */
  doubtAll(): void {
    for (const follower of [...this.#subscriptions.all, ...this.heldQueues.values(), ...this.followers])
      follower.doubt();
  }

  /** Writes what is left and closes the history. */
  async close(): Promise<void> {
    this.#cancelTrim?.();
    await this.writer.flush();
    this.names.close();
    await this.history.close();
  }

  /** Age is enforced by writes, so where there are none an empty one is made now and then. */
  #trimByAge(): void {
    const { retention, trimIntervalMs, clock } = this.#settings;
    const aging = retention.some(({ maxAgeMs }) => maxAgeMs !== Infinity);
    if (!aging || trimIntervalMs === Infinity) return;
    this.writer.request();
    this.#cancelTrim = clock.setTimer(() => this.#trimByAge(), trimIntervalMs);
  }
}
