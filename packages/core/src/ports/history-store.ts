import type { StoredMessage } from '../message.ts';

/** What a history keeps of the topics under `pattern` (a topic or a pattern). A topic's own name wins; else the first pattern that matches it. */
export type RetentionPolicy = LimitsPolicy | HeldPolicy;
export type RetentionPolicies = readonly RetentionPolicy[];

/** Keeps the newest `maxCount` messages of each topic, and none older than `maxAgeMs`. `Infinity` means no limit. */
export interface LimitsPolicy {
  readonly kind: 'limits';
  readonly pattern: string;
  readonly maxCount: number;
  readonly maxAgeMs: number;
}

/** Keeps each message until it is settled. Past `maxCount` waiting messages, an append is refused or the oldest waiting ones are dropped. */
export interface HeldPolicy {
  readonly kind: 'until-handled';
  readonly pattern: string;
  readonly maxCount: number;
  readonly maxAgeMs: number;
  readonly overflow: 'reject' | 'drop-oldest';
}

/** Where a history stands: no message lies above `position`, and none ever will lie at or below it that is not there now. 0 before the first. */
export interface Head {
  readonly epoch: string;
  readonly position: number;
}

export interface OpenHistoryOptions {
  readonly retention: RetentionPolicies;
  /** How many of the last caller-given ids are remembered, and for how long. */
  readonly deduplication: { readonly maxIds: number; readonly maxAgeMs: number };
  readonly signal?: AbortSignal | undefined;
  /** Begins a new epoch over the messages that are there: for a file that was restored from a copy. */
  readonly newEpoch?: boolean | undefined;
}

/** A message to append. The history gives it position and time. No id, type or name that a bus passes bears control characters, and no text NUL. */
export interface NewMessage extends Omit<StoredMessage, 'position' | 'time'> {
  /** The caller gave the id: a second message of that topic and id, within the window, is a duplicate of the first. */
  readonly deduplicate: boolean;
}

/**
 * What becomes of one message of a held topic. A waiting one: `handled` removes it, `dead` sets it aside. A dead one: `requeue` makes it wait
 * again, in its old place; `discard` removes it. A bound that drops may drop a requeued message in the same write.
 */
export type Settlement =
  | { readonly outcome: 'handled' | 'requeue' | 'discard'; readonly topic: string; readonly position: number }
  | { readonly outcome: 'dead'; readonly topic: string; readonly position: number; readonly reason: string };

/** A durable subscription's cursor, kept word for word: its epoch may be an old one. */
export interface NamedCursor {
  readonly name: string;
  readonly epoch: string;
  readonly position: number;
  readonly filter: readonly string[];
}

export interface WriteBatch {
  /** The epoch that positions in `settle` speak of. In any other epoch the whole batch changes nothing. */
  readonly epoch: string;
  readonly append: readonly NewMessage[];
  readonly settle: readonly Settlement[];
  readonly commitCursors: readonly NamedCursor[];
  readonly deleteCursors: readonly string[];
}

/** How one append ended. Only `appended` used up a position; a duplicate tells where and when the first one was appended. */
export type AppendResult =
  | { readonly status: 'appended' | 'duplicate'; readonly position: number; readonly time: number }
  | { readonly status: 'refused'; readonly reason: 'topic-full' | 'history-full' };

/** A limit removed messages of `topic` up to `through`. Settling a held message is no trimming. */
export interface TrimMark {
  /**
   * A topic; or the pattern of a policy, which stands for every topic under it whose own mark was given up to keep their number bounded.
   * Such a mark may cover more than was lost, never less.
   */
  readonly topic: string;
  readonly through: number;
}

/** A waiting message of a held topic that a bound of count or age removed. */
export interface DroppedMessage {
  readonly topic: string;
  readonly position: number;
  readonly id: string;
}

export interface WriteResult {
  readonly epoch: string;
  /** False: the batch spoke of another epoch than `epoch`, and nothing was changed. The lists below are then empty. */
  readonly applied: boolean;
  /** The head before the batch and after it. All positions of the batch lie above `before` and at or below `head`. */
  readonly before: number;
  readonly head: number;
  /** One result for each of `append`, in its order. */
  readonly appended: readonly AppendResult[];
  /** For each of `settle`, whether that message was there to be settled. */
  readonly settled: readonly boolean[];
  /** What the bounds of held topics removed, oldest first. */
  readonly dropped: readonly DroppedMessage[];
}

/** Topics and patterns; a message belongs to the filter if any of them matches. A pattern passes held topics by. */
export type Filter = readonly string[];

export interface ReadQuery {
  /** Positions below are of this epoch. In any other, the page is empty with `through` 0, and tells the present one. */
  readonly epoch: string;
  readonly filter: Filter;
  /** `after`: what follows a position. `before`: what precedes it; the newest `limit` of that, still oldest first. */
  readonly range: { readonly after: number } | { readonly before: number };
  readonly limit: number;
  /** A page ends early once its texts exceed this, in bytes or UTF-16 units; it holds at least one message if there is one. */
  readonly maxBytes: number;
  /** `live` (stream messages and waiting ones) or `dead` (those of held topics that were set aside). */
  readonly state: 'live' | 'dead';
}

export interface HistoryPage extends Head {
  /** Oldest first. */
  readonly messages: readonly StoredMessage[];
  /** How far was looked: with `after`, everything of the filter up to here is in `messages` or gone; with `before`, everything from here on. */
  readonly through: number;
  /** With `after`: the marks above it of the filter's topics. Empty with `before`. */
  readonly trimmed: readonly TrimMark[];
  /** With `dead`, why each of `messages` died, in their order. Empty with `live`. */
  readonly reasons: readonly string[];
}

export interface LocateQuery {
  /** In any other epoch than the present one, the answer has `start` 0 and no marks. */
  readonly epoch: string;
  readonly filter: Filter;
  readonly from: { readonly earliest: true } | { readonly last: number } | { readonly since: number };
}

/** A start: everything of the filter after `start` is what was asked for. `position` is the head of the same snapshot, and `trimmed` its marks above `start`. */
export interface Located extends Head {
  readonly start: number;
  readonly trimmed: readonly TrimMark[];
}

/** What a history knows of one topic. */
export interface TopicSummary {
  /** Messages that can be read; of a held topic, those that wait. */
  readonly count: number;
  readonly dead: number;
  /** Position of the oldest and the newest of `count`; undefined when there are none. */
  readonly first: number | undefined;
  readonly last: number | undefined;
}

/**
 * Keeps messages in one order, over all topics. Made idle by a `create<Name>History` factory.
 *
 * Every method is atomic, may be called while others run, and knows the epoch it speaks of. Calls take effect in the order in which they
 * were made. A read that starts after a write resolved sees that write. Before `open` resolved every method but `close` rejects with
 * `HEXBUS_NOT_OPEN`, after `close` was called also `open` with `HEXBUS_CLOSED`. What rejects has changed nothing, except with
 * `HEXBUS_OUTCOME_UNKNOWN`, after which the batch may be there as a whole or not at all.
 */
export interface HistoryStore {
  readonly name: string;
  /** `durable`: what a write has resolved survives the end of the process. */
  readonly capabilities: { readonly durable: boolean };

  /**
   * Opens once; a second call rejects with `HEXBUS_CONFIG`. A place that another bus has open is refused with `HEXBUS_HISTORY_IN_USE`. Removes nothing.
   * Where it rejects it leaves nothing open: a bus calls `close` only for what it has opened.
   */
  open(options: OpenHistoryOptions): Promise<Head>;

  /**
   * One atomic step, in this order: settles, appends (each result for itself), commits and deletes cursors, trims. Afterwards no topic exceeds its
   * `maxCount` (what is held under `reject` may, by a requeue), and nothing is older than `maxAgeMs` at the time of this write, which also an empty
   * batch brings about. That time is the history's: never below the last message's, also after reopening. Positions rise, and are never used
   * twice within an epoch, whatever happens to the machine.
   */
  write(batch: WriteBatch): Promise<WriteResult>;

  /** What follows or precedes a position in the topics of a filter. The page is a snapshot together with its head. Changes nothing. */
  read(query: ReadQuery): Promise<HistoryPage>;

  /** One less than the position of the first live message of a filter, of its last n, or of its first since a time; the head when there is none. */
  locate(query: LocateQuery): Promise<Located>;

  /** The cursor committed under a name, word for word, or undefined. */
  loadCursor(name: string): Promise<NamedCursor | undefined>;

  summarize(topic: string): Promise<TopicSummary>;

  /** Waits for what is under way, then frees the place. May be called in any state and any number of times; always the same promise. */
  close(): Promise<void>;
}
