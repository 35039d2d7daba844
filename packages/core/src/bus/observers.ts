import { shorten } from '../errors.ts';
import type { Message } from '../message.ts';
import { ObserverHub } from '../observer-hub.ts';
import type { Ending, EndingListener } from './endings.ts';
import type { Gap, Reset } from './log/losses.ts';

/** Which message an event is about. Bodies are left out, so that no observer can change one. */
export interface MessageReference {
  readonly topic: string;
  readonly id: string;
  /** Absent where the topic is not retained. */
  readonly position?: number;
}

/** Whom an event is about: a subscription's filter, and its durable name if it has one. */
export interface SubscriptionReference {
  readonly filter: readonly string[];
  readonly name?: string;
}

export interface ObserverEvents {
  /** A publish was committed or, where nothing is retained, its listeners were called. */
  readonly published: MessageReference & { readonly duplicate: boolean };
  /** A handler succeeded. `result` is what it returned. */
  readonly delivered: MessageReference & { readonly subscription: SubscriptionReference; readonly result: unknown };
  /** A message was appended to a held topic that had no listener. */
  readonly held: MessageReference;
  /** A message of a held topic was removed because its listeners are done with it. */
  readonly handled: MessageReference & { readonly results: readonly unknown[] };
  /** A try failed and another follows. */
  readonly retried: MessageReference & {
    readonly subscription: SubscriptionReference;
    readonly attempt: number;
    readonly error: unknown;
  };
  /** A message of a held topic used up its tries and was set aside. */
  readonly dead: MessageReference & { readonly reason: string };
  /** A bound of a held topic removed a waiting message. */
  readonly dropped: MessageReference;
  readonly gap: Gap & { readonly subscription: SubscriptionReference };
  readonly reset: Reset & { readonly subscription: SubscriptionReference };
  /** Something failed that no promise tells of: the last try of a handler, a listener of `emit`, an observer, a store behind a subscription. */
  readonly error: {
    readonly error: unknown;
    readonly message?: MessageReference;
    readonly subscription?: SubscriptionReference;
    /** How many calls of observers have thrown so far. */
    readonly observerFailures: number;
  };
}

/** What identifies a message in events. */
export function referenceOf(message: Message): MessageReference {
  const { topic, id, position } = message;
  return position === undefined ? { topic, id } : { topic, id, position };
}

export const observerNames: readonly (keyof ObserverEvents)[] = [
  'published',
  'delivered',
  'held',
  'handled',
  'retried',
  'dead',
  'dropped',
  'gap',
  'reset',
  'error',
];

/** Tells the bus's observers, and whether anybody listens to what is told most often. */
export class Observers extends ObserverHub<ObserverEvents> {
  /** Parts of hexbus that must know what observers may not: the body. */
  readonly endings: Set<EndingListener> = new Set();
  /** Asked for every emit: a field costs less there than a look-up. */
  publishedWanted = false;
  deliveredWanted = false;

  constructor() {
    super(observerNames);
  }

  /** A message of a held topic has ended. */
  ended(message: Parameters<EndingListener>[0], ending: Ending): void {
    for (const listener of this.endings) listener(message, ending);
  }

  protected override observersChanged(): void {
    this.publishedWanted = this.hasObserver('published');
    this.deliveredWanted = this.hasObserver('delivered');
  }
}

/** What is kept of an error as the reason why a message died: at most 500 characters, without NUL, which not every store takes. */
export function reasonOf(error: unknown): string {
  return shorten(error, 500).replaceAll('\0', ' ');
}
