import type { CancelTimer, Clock } from '../../clock.ts';
import type { CursorParts } from '../../cursor.ts';
import { HexbusError, shorten } from '../../errors.ts';
import type { NamedCursor } from '../../ports/history-store.ts';
import { assertField, isText } from '../checks.ts';

/** Cursors that are due, to be committed with one write. */
export interface CursorCommit {
  readonly cursors: readonly NamedCursor[];
  /** To be called with what became of that write; if it failed, they are due again after a while. */
  settled(committed: boolean): void;
}

export const nothingDue: CursorCommit = { cursors: [], settled: () => undefined };

/** The longest durable name, in characters. */
const maxNameLength = 256;

/** Throws `HEXBUS_CONFIG` for what is no durable name of a program's own. Those of the bus begin with @. */
export function assertName(name: unknown): asserts name is string {
  const valid = isText(name, maxNameLength) && !name.startsWith('@');
  assertField(valid, 'name', name, `use 1 to ${maxNameLength} printable characters, the first not @`);
}

/** A commit is asked for at half of this many handled messages, and no more are handled than this before it is done: a crash repeats no more. */
const maxUncommitted = 64;
const maxDelayMs = 50;

/** Of the pauses between tries while the history fails. */
const longestDelayMs = 30_000;

/**
 * The cursors of durable names in this bus: keeps the latest of each, and has it committed with the next write. Idle progress is never
 * committed. It knows nothing of subscriptions.
 */
export class NamedCursors {
  readonly #clock: Clock;
  readonly #requestWrite: () => void;
  readonly #inUse = new Map<string, DurableName>();
  readonly #dirty = new Set<DurableName>();
  #cancelTimer: CancelTimer | undefined;
  #delayMs = maxDelayMs;

  /** `requestWrite` must bring about a call of `takeDirty` soon. */
  constructor(clock: Clock, requestWrite: () => void) {
    this.#clock = clock;
    this.#requestWrite = requestWrite;
  }

  /** Takes a name into use, or throws `HEXBUS_NAME_TAKEN`. */
  claim(name: string, filter: readonly string[]): DurableName {
    this.assertFree(name);
    const durable = new DurableName(name, filter, this);
    this.#inUse.set(name, durable);
    return durable;
  }

  /** Throws `HEXBUS_NAME_TAKEN` while a name is in use. */
  assertFree(name: string): void {
    if (!this.#inUse.has(name)) return;
    throw new HexbusError('HEXBUS_NAME_TAKEN', `name ${shorten(name)} is in use; end its subscription first`);
  }

  /** The cursors to commit with the write that is being made. */
  takeDirty(): CursorCommit {
    if (this.#dirty.size === 0) return nothingDue;
    this.#stopTimer();
    const taken = [...this.#dirty];
    this.#dirty.clear();
    return {
      cursors: taken.map((durable) => durable.take()),
      settled: (committed) => this.#settled(taken, committed),
    };
  }

  close(): void {
    this.#stopTimer();
    for (const durable of this.#inUse.values()) durable.giveUp();
  }

  /** It has progress to commit. */
  changed(durable: DurableName, urgent: boolean): void {
    this.#dirty.add(durable);
    if (urgent) this.#requestWrite();
    else if (this.#cancelTimer === undefined) {
      this.#cancelTimer = this.#clock.setTimer(() => {
        this.#cancelTimer = undefined;
        this.#requestWrite();
      }, this.#delayMs);
    }
  }

  #settled(taken: readonly DurableName[], committed: boolean): void {
    if (committed) this.#delayMs = maxDelayMs;
    for (const durable of taken) {
      // It was released meanwhile, and its name may be in use again.
      if (this.#inUse.get(durable.name) !== durable) continue;
      durable.settled(committed);
      if (!committed || durable.changedSinceTaken) this.changed(durable, committed && durable.isUrgent);
    }
    if (!committed) this.#delayMs = Math.min(this.#delayMs * 2, longestDelayMs);
  }

  /** The name may be used again. */
  release(durable: DurableName): void {
    this.#dirty.delete(durable);
    this.#inUse.delete(durable.name);
  }

  #stopTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }
}

/** One durable name in use, and how far its commits lag behind. */
export class DurableName {
  readonly name: string;
  readonly filter: readonly string[];
  readonly #names: NamedCursors;
  #latest: CursorParts | undefined;
  #handledSinceTaken = 0;
  #handledInFlight = 0;
  #inFlight = false;
  #givenUp = false;
  #waiters: (() => void)[] = [];

  constructor(name: string, filter: readonly string[], names: NamedCursors) {
    this.name = name;
    this.filter = filter;
    this.#names = names;
  }

  get changedSinceTaken(): boolean {
    return this.#handledSinceTaken > 0;
  }

  get isUrgent(): boolean {
    return this.#handledSinceTaken >= maxUncommitted / 2 || this.#waiters.length > 0;
  }

  /** The cursor moved past one more handled message. A promise means: wait for it before handling another. */
  moved(cursor: CursorParts): Promise<void> | undefined {
    if (this.#givenUp) return undefined;
    this.#latest = cursor;
    this.#handledSinceTaken += 1;
    this.#names.changed(this, !this.#inFlight && this.isUrgent);
    return this.#handledSinceTaken + this.#handledInFlight < maxUncommitted ? undefined : this.committed();
  }

  /** Commits this cursor now. Settles when everything moved so far is committed. */
  async commit(cursor: CursorParts): Promise<void> {
    void this.moved(cursor);
    await this.committed();
  }

  /** Resolves when a commit that contains everything moved so far has succeeded. */
  async committed(): Promise<void> {
    if (this.#handledSinceTaken > 0 && !this.#inFlight) this.#names.changed(this, true);
    // After a failed commit the next one is made after a while, not at once.
    while (!this.#givenUp && (this.#handledSinceTaken > 0 || this.#inFlight)) {
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }

  /** The name may be used again. */
  release(): void {
    this.#names.release(this);
  }

  /** Nothing more will be committed: whoever waits goes on without. */
  giveUp(): void {
    this.#givenUp = true;
    this.#wakeWaiters();
  }

  take(): NamedCursor {
    const { name, filter } = this;
    const { epoch, position } = this.#latest as CursorParts;
    this.#inFlight = true;
    this.#handledInFlight = this.#handledSinceTaken;
    this.#handledSinceTaken = 0;
    return { name, filter, epoch, position };
  }

  settled(committed: boolean): void {
    if (!committed) this.#handledSinceTaken += this.#handledInFlight;
    this.#handledInFlight = 0;
    this.#inFlight = false;
    this.#wakeWaiters();
  }

  #wakeWaiters(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}
