import {
  type Head,
  HexbusError,
  type HistoryPage,
  type HistoryStore,
  type Located,
  type LocateQuery,
  type NamedCursor,
  type OpenHistoryOptions,
  type ReadQuery,
  type TopicSummary,
  type WriteBatch,
  type WriteResult,
} from '@hexbus/core';
import type { Schedule } from './schedule.ts';

/** How a call fails: before its effect; or with an unknown outcome, its effect being lost, done, or still to come. */
export type Fault = 'fails' | 'unknown-lost' | 'unknown-done' | 'unknown-late';

/** What a run knows of the calls of its history. Effects are told in the step in which they happen, answers before the bus has them. */
export interface HistoryEvents {
  onWritten(batch: WriteBatch, result: WriteResult): void;
  onAcknowledged(head: Head): void;
  onOpened(head: Head): void;
  onLocated(query: LocateQuery, found: Located): void;
  /** The cursor of a name is looked up. */
  onLoading?(name: string): void;
  nextFault(kind: 'write' | 'read'): Fault | undefined;
  /** Pages are no longer than this: a store may end one early. */
  readonly maxPage: number;
}

/**
 * A history under the scheduler: every call waits for a step before its effect, and for another before its answer. Effects keep the order of the
 * calls, as the port promises; answers keep none.
 */
export class ScheduledHistory implements HistoryStore {
  readonly name: string;
  readonly capabilities: HistoryStore['capabilities'];
  readonly #inner: HistoryStore;
  readonly #schedule: Schedule;
  readonly #events: HistoryEvents;
  readonly #effects: (() => void)[] = [];
  #abandoned = false;

  constructor(inner: HistoryStore, schedule: Schedule, events: HistoryEvents) {
    this.name = inner.name;
    this.capabilities = inner.capabilities;
    this.#inner = inner;
    this.#schedule = schedule;
    this.#events = events;
  }

  /** The program that made the calls is gone: those that had no effect yet have none any more, and nothing is answered. */
  abandon(): void {
    this.#abandoned = true;
    this.#effects.length = 0;
  }

  open(options: OpenHistoryOptions): Promise<Head> {
    const effect = async (): Promise<Head> => {
      const head = await this.#inner.open(options);
      this.#events.onOpened(head);
      return head;
    };
    return this.#call('open', effect, (head) => this.#events.onAcknowledged(head));
  }

  write(batch: WriteBatch): Promise<WriteResult> {
    const effect = async (): Promise<WriteResult> => {
      const result = await this.#inner.write(batch);
      this.#events.onWritten(batch, result);
      return result;
    };
    return this.#call(
      'write',
      effect,
      ({ epoch, head }) => this.#events.onAcknowledged({ epoch, position: head }),
      this.#events.nextFault('write'),
    );
  }

  read(query: ReadQuery): Promise<HistoryPage> {
    const shortened = { ...query, limit: Math.min(query.limit, this.#events.maxPage) };
    return this.#call('read', () => this.#inner.read(shortened), undefined, this.#events.nextFault('read'));
  }

  locate(query: LocateQuery): Promise<Located> {
    const effect = async (): Promise<Located> => {
      const found = await this.#inner.locate(query);
      this.#events.onLocated(query, found);
      return found;
    };
    return this.#call('locate', effect, undefined, this.#events.nextFault('read'));
  }

  loadCursor(name: string): Promise<NamedCursor | undefined> {
    const effect = (): Promise<NamedCursor | undefined> => {
      this.#events.onLoading?.(name);
      return this.#inner.loadCursor(name);
    };
    return this.#call('load cursor', effect, undefined, this.#events.nextFault('read'));
  }

  summarize(topic: string): Promise<TopicSummary> {
    return this.#call('summarize', () => this.#inner.summarize(topic));
  }

  close(): Promise<void> {
    return this.#call('close', () => this.#inner.close());
  }

  #call<T>(
    label: string,
    effect: () => Promise<T>,
    onAnswer: (result: T) => void = () => undefined,
    fault?: Fault,
  ): Promise<T> {
    const promise = new Promise<T>((resolve, reject) => {
      const answer = (settle: () => void): void => {
        void this.#schedule.step(`${label}: answer`).then(() => {
          if (!this.#abandoned) settle();
        });
      };
      const answerWith = (result: T): void => answer(() => resolve(result));
      const failWith = (error: unknown): void => answer(() => reject(error));
      if (fault === undefined) this.#enqueue(label, () => void effect().then(answerWith, failWith));
      else if (fault === 'fails') {
        const error = new HexbusError('HEXBUS_HISTORY_FAILED', `${label}: failed by the test`, { retryable: true });
        this.#enqueue(label, () => failWith(error));
      } else {
        const error = new HexbusError('HEXBUS_OUTCOME_UNKNOWN', `${label}: ${fault}, by the test`, { retryable: true });
        if (fault === 'unknown-late') failWith(error);
        this.#enqueue(label, () => {
          // What the store itself refuses had no effect either.
          if (fault === 'unknown-late') effect().catch(() => undefined);
          else if (fault === 'unknown-lost') failWith(error);
          else void effect().then(() => failWith(error), failWith);
        });
      }
    });
    // Next to what the bus does with the answer, so that nothing comes in between.
    promise.then(onAnswer, () => undefined);
    return promise;
  }

  #enqueue(label: string, effect: () => void): void {
    if (this.#abandoned) return;
    this.#effects.push(effect);
    void this.#schedule.step(`${label}: effect`).then(() => this.#effects.shift()?.());
  }
}
