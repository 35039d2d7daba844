import type { Clock } from '../../clock.ts';
import { formatCursor } from '../../cursor.ts';
import { HexbusError, isHexbusError, shorten } from '../../errors.ts';
import type {
  AppendResult,
  HistoryStore,
  NewMessage,
  Settlement,
  WriteBatch,
  WriteResult,
} from '../../ports/history-store.ts';
import type { Receipt } from '../api.ts';
import { memoryLengthOf } from './memory-length.ts';
import { type CursorCommit, nothingDue } from './named-cursors.ts';

/** What the writer is told to do with what the history answers. All are called in the turn of the answer, before any caller learns of it. */
export interface WriterEvents {
  /** A batch took effect: `appends` are its messages, in order, with `result.appended` their results. */
  written(appends: readonly NewMessage[], result: WriteResult): void;
  /** The history has another epoch than the batch; nothing of it took effect. */
  epochChanged(result: WriteResult): void;
  /** A batch may or may not have taken effect. */
  outcomeUnknown(): void;
}

/** `names` gives the durable cursors that are due, `tail` the epoch that positions are of; `observers` are told of a failure that nobody waits for. */
export interface WriterParts {
  readonly history: HistoryStore;
  readonly clock: Clock;
  readonly tail: { readonly epoch: string };
  readonly names: { takeDirty(): CursorCommit };
  readonly observers: { error(error: unknown): void };
}

interface PendingAppend {
  readonly message: NewMessage;
  resolve(receipt: Receipt): void;
  reject(error: unknown): void;
}

interface PendingSettlement {
  readonly settlement: Settlement;
  /** The epoch that its position is of. */
  readonly epoch: string;
  resolve(found: boolean): void;
  reject(error: unknown): void;
}

interface PendingDeletion {
  readonly name: string;
  resolve(): void;
  reject(error: unknown): void;
}

/** Has its turn when everything asked for before it has ended. */
interface Barrier {
  readonly message: undefined;
  resolve(): void;
}

/** At most this much in one write: messages, and UTF-16 units of their bodies. */
const maxBatchMessages = 1_024;
const maxBatchLength = 4 * 1024 * 1024;

const none: readonly never[] = [];

/**
 * Group commit: what is asked for within one turn, or while a write is under way, goes to the history as one batch. One write is under way at a
 * time. It keeps the order of calls, and knows neither topics nor subscriptions.
 */
export class Writer {
  readonly #side: WriterParts;
  readonly #events: WriterEvents;
  readonly #maxPendingLength: number;
  #queue: (PendingAppend | Barrier)[] = [];
  #settlements: PendingSettlement[] = [];
  #deletions: PendingDeletion[] = [];
  #pendingLength = 0;
  #scheduled = false;
  #writeRequested = false;
  #writing = false;
  /** What the write under way is to answer. */
  #taken: readonly (PendingAppend | Barrier)[] = none;
  #others: readonly (PendingSettlement | PendingDeletion)[] = none;
  #abandoned = false;
  #resolve: PendingAppend['resolve'] = () => undefined;
  #reject: PendingAppend['reject'] = () => undefined;
  /** One executor for all publishes: one of its own for each, with what it closes over, was 120 of 1,600 bytes per publish. */
  readonly #executor = (resolve: PendingAppend['resolve'], reject: PendingAppend['reject']): void => {
    this.#resolve = resolve;
    this.#reject = reject;
  };

  constructor(side: WriterParts, maxPendingLength: number, events: WriterEvents) {
    this.#side = side;
    this.#maxPendingLength = maxPendingLength;
    this.#events = events;
  }

  /** Rejects with the reason for which this one message was refused, or with what made its batch fail. */
  append(message: NewMessage, signal?: AbortSignal): Promise<Receipt> {
    const length = memoryLengthOf(message);
    if (this.#pendingLength > 0 && this.#pendingLength + length > this.#maxPendingLength) {
      return Promise.reject(
        new HexbusError(
          'HEXBUS_OVERLOADED',
          `publishes that wait for the history hold ${this.#pendingLength} characters, close to maxPendingBytes ${this.#maxPendingLength}; await some before publishing more`,
          { retryable: true },
        ),
      );
    }
    const promise = new Promise<Receipt>(this.#executor);
    const pending: PendingAppend = { message, resolve: this.#resolve, reject: this.#reject };
    if (signal !== undefined) this.#withdrawOnAbort(pending, promise, signal);
    this.#queue.push(pending);
    this.#pendingLength += length;
    this.request();
    return promise;
  }

  /** Resolves with whether the message was there to be settled. Not rejected by the failure of a batch in which it was not. */
  settle(settlement: Settlement, epoch: string): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#settlements.push({ settlement, epoch, resolve, reject });
      this.request();
    });
  }

  /** Has the cursor of a name deleted with the next write. */
  deleteCursor(name: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#deletions.push({ name, resolve, reject });
      this.request();
    });
  }

  /** Has a write made at the end of this turn, also an empty one. */
  request(): void {
    this.#writeRequested = true;
    this.#schedule();
  }

  /** Resolves when everything asked for before this call has ended, well or not. */
  flush(): Promise<void> {
    if (this.#abandoned || (!this.#writing && !this.#scheduled)) return Promise.resolve();
    return new Promise((resolve) => {
      this.#queue.push({ message: undefined, resolve });
      this.#schedule();
    });
  }

  /** The history does not answer any more: rejects whatever waits for it, and asks nothing more of it. */
  abandon(error: unknown): void {
    this.#abandoned = true;
    this.#rejectAll([...this.#taken, ...this.#queue], error);
    for (const pending of [...this.#others, ...this.#settlements, ...this.#deletions]) pending.reject(error);
  }

  #schedule(): void {
    if (this.#scheduled || this.#writing) return;
    this.#scheduled = true;
    this.#side.clock.nextTurn(() => {
      this.#scheduled = false;
      void this.#writeNext();
    });
  }

  async #writeNext(): Promise<void> {
    if (this.#abandoned) return;
    this.#writing = true;
    const taken = this.#take();
    const appends = taken.filter(isAppend);
    const settlements = this.#takeSettlements();
    const deletions = this.#deletions.splice(0);
    this.#taken = taken;
    this.#others = [...settlements, ...deletions];
    const isNeeded = this.#writeRequested || appends.length > 0;
    this.#writeRequested = false;
    if (isNeeded) await this.#write(appends, settlements, deletions);
    else this.#ended();
    for (const pending of taken) if (pending.message === undefined) pending.resolve();
  }

  /**
   * To be called before callers are answered: what they then ask for waits for a turn, as all else does. Otherwise a loop of awaited publishes would
   * keep everybody else from the event loop.
   */
  #ended(): void {
    this.#writing = false;
    if (this.#writeRequested || this.#queue.length > 0) this.#schedule();
  }

  async #write(
    appends: readonly PendingAppend[],
    settlements: readonly PendingSettlement[],
    deletions: readonly PendingDeletion[],
    commit: CursorCommit = this.#side.names.takeDirty(),
  ): Promise<void> {
    const messages = appends.map(messageOf);
    const batch: WriteBatch = {
      epoch: this.#side.tail.epoch,
      append: messages,
      settle: settlements.map((pending) => pending.settlement),
      commitCursors: commit.cursors,
      deleteCursors: deletions.map((pending) => pending.name),
    };
    let result: WriteResult;
    try {
      result = await this.#side.history.write(batch);
      if (this.#abandoned) return;
      if (result.applied) this.#events.written(messages, result);
      else this.#events.epochChanged(result);
    } catch (error) {
      if (this.#abandoned) return;
      const isMore = appends.length + settlements.length + deletions.length > 0;
      if (isMore && commit.cursors.length > 0 && isHexbusError(error, 'HEXBUS_HISTORY_FULL')) {
        // Cursors can be moved later, but what makes room must not wait for them.
        commit.settled(false);
        await this.#write(appends, settlements, deletions, nothingDue);
        return;
      }
      this.#failed(known(error), appends, [...settlements, ...deletions], commit);
      return;
    }
    commit.settled(result.applied);
    if (!result.applied) {
      // Positions of the old epoch mean nothing any more; messages have none yet, so they go into the new one. So do cursors, which bear their epoch.
      for (const pending of settlements) pending.resolve(false);
      if (appends.length + deletions.length + commit.cursors.length > 0) await this.#write(appends, none, deletions);
      else this.#ended();
      return;
    }
    this.#ended();
    for (const [index, pending] of settlements.entries()) pending.resolve(result.settled[index] === true);
    for (const pending of deletions) pending.resolve();
    // By index: what entries() yields was 165 of 2,600 bytes per publish.
    for (let index = 0; index < appends.length; index++) {
      this.#answer(appends[index] as PendingAppend, result.epoch, result.appended[index]);
    }
  }

  #answer(pending: PendingAppend, epoch: string, result: AppendResult | undefined): void {
    const { message } = pending;
    this.#pendingLength -= memoryLengthOf(message);
    if (result === undefined || result.status === 'refused') pending.reject(refusal(message.topic, result));
    else pending.resolve(receiptOf(message, epoch, result.position, result.status === 'duplicate'));
  }

  #failed(
    error: unknown,
    appends: readonly PendingAppend[],
    others: readonly (PendingSettlement | PendingDeletion)[],
    commit: CursorCommit,
  ): void {
    if (isHexbusError(error, 'HEXBUS_OUTCOME_UNKNOWN')) this.#events.outcomeUnknown();
    commit.settled(false);
    // What was to follow them must not come without them.
    const behind = appends.length > 0 ? this.#queue.splice(0) : none;
    this.#ended();
    for (const pending of others) pending.reject(error);
    if (appends.length + others.length === 0) this.#side.observers.error(error);
    this.#rejectAll(appends, error);
    if (behind.length === 0) return;
    this.#rejectAll(
      behind,
      new HexbusError('HEXBUS_HISTORY_FAILED', 'not written, because the batch before it failed; publish it again', {
        retryable: true,
        cause: error,
      }),
    );
  }

  #rejectAll(queued: readonly (PendingAppend | Barrier)[], error: unknown): void {
    for (const pending of queued) {
      if (pending.message === undefined) {
        pending.resolve();
        continue;
      }
      this.#pendingLength -= memoryLengthOf(pending.message);
      pending.reject(error);
    }
  }

  /** Those of the present epoch. In another one their positions are other messages, so they settle nothing. */
  #takeSettlements(): readonly PendingSettlement[] {
    const epoch = this.#side.tail.epoch;
    const settlements = this.#settlements.splice(0);
    for (const pending of settlements) if (pending.epoch !== epoch) pending.resolve(false);
    return settlements.filter((pending) => pending.epoch === epoch);
  }

  #take(): (PendingAppend | Barrier)[] {
    let length = 0;
    let count = 0;
    while (count < this.#queue.length && count < maxBatchMessages && length < maxBatchLength) {
      length += this.#queue[count]?.message?.body.length ?? 0;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  #withdrawOnAbort(pending: PendingAppend, promise: Promise<unknown>, signal: AbortSignal): void {
    const withdraw = (): void => {
      const index = this.#queue.indexOf(pending);
      if (index < 0) return;
      this.#queue.splice(index, 1);
      this.#pendingLength -= memoryLengthOf(pending.message);
      pending.reject(signal.reason);
    };
    const settled = (): void => signal.removeEventListener('abort', withdraw);
    promise.then(settled, settled);
    signal.addEventListener('abort', withdraw, { once: true });
  }
}

function isAppend(pending: PendingAppend | Barrier): pending is PendingAppend {
  return pending.message !== undefined;
}

function messageOf({ message }: PendingAppend): NewMessage {
  return message;
}

function receiptOf({ id, topic }: NewMessage, epoch: string, position: number, duplicate: boolean): Receipt {
  return { id, topic, position, cursor: formatCursor(epoch, position), duplicate };
}

/** What a history may reject with. Anything else, also from an answer that makes no sense, leaves open what has been written. */
function known(error: unknown): HexbusError {
  if (isHexbusError(error)) return error;
  return new HexbusError('HEXBUS_OUTCOME_UNKNOWN', `the history failed in a way it should not: ${shorten(error)}`, {
    retryable: true,
    cause: error,
  });
}

function refusal(topic: string, result: AppendResult | undefined): HexbusError {
  if (result?.status === 'refused' && result.reason === 'topic-full') {
    return new HexbusError(
      'HEXBUS_TOPIC_FULL',
      `topic ${shorten(topic)} holds as many waiting messages as its maxCount allows; attach a listener, raise maxCount, or use overflow: 'drop-oldest'`,
      { retryable: true },
    );
  }
  return new HexbusError(
    'HEXBUS_HISTORY_FULL',
    `the history has no room for a message of ${shorten(topic)}; let what waits be handled, or enlarge it`,
    {
      retryable: true,
    },
  );
}
