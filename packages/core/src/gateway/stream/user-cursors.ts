import { resolveStart } from '../../bus/delivery/start.ts';
import type { FeedStart } from '../../bus/log/feed.ts';
import type { DurableName } from '../../bus/log/named-cursors.ts';
import type { RetainedSide } from '../../bus/log/retained-side.ts';
import type { CancelTimer } from '../../clock.ts';
import type { CursorParts } from '../../cursor.ts';
import { isHexbusError } from '../../errors.ts';
import { within } from '../nodes/within.ts';
import { later } from './later.ts';
import { SentInboxes } from './sent-inboxes.ts';

/** How long closing waits for the history. What it does not commit by then is received again. */
const closeTimeoutMs = 1_000;

export interface UserCursorsOptions {
  readonly side: RetainedSide;
  /** How often they are committed at most. */
  readonly intervalMs: number;
  /** Of so many users it is remembered how far their inboxes were sent to clients that only listen. */
  readonly maxUsers: number;
  readonly onError: (error: unknown) => void;
}

/**
 * One named cursor for each user whose address is retained: everything up to it was acknowledged by one of her sessions. A new session begins at
 * it, so it gets what none of them has handled.
 */
export class UserCursors {
  /** What bounds the acknowledgements of clients that only listen. */
  readonly sent: SentInboxes;
  readonly #options: UserCursorsOptions;
  /** What was acknowledged and is not committed yet, by address. */
  readonly #dirty = new Map<string, CursorParts>();
  #cancelTimer: CancelTimer | undefined;
  #committing: Promise<void> | undefined;
  #closed = false;

  constructor(options: UserCursorsOptions) {
    this.#options = options;
    this.sent = new SentInboxes(options.maxUsers);
  }

  /** Where a new session of this user begins: at her cursor or, if she never acknowledged anything, at the first message that waits for her. */
  async startOf(address: string): Promise<FeedStart> {
    const { history, tail } = this.#options.side;
    const now = { epoch: tail.epoch, position: tail.head };
    const cursor = await this.cursorOf(address);
    return cursor ?? resolveStart(history, [address], { earliest: true }, now);
  }

  /** Her cursor, committed or not. Undefined if she never acknowledged anything. */
  async cursorOf(address: string): Promise<CursorParts | undefined> {
    const before = this.#dirty.get(address);
    const stored = await this.#options.side.history.loadCursor(address);
    // What is acknowledged or committed meanwhile may be newer than what was read.
    const latest = later(later(stored, before), this.#dirty.get(address));
    return latest === undefined ? undefined : { epoch: latest.epoch, position: latest.position };
  }

  /** One of her sessions has handled everything up to here. A cursor never steps back within its epoch. */
  acknowledged(address: string, cursor: CursorParts): void {
    const known = this.#dirty.get(address);
    if (this.#closed || later(known, cursor) === known) return;
    this.#dirty.set(address, cursor);
    this.#arm();
  }

  /** Commits what is left, unless the history does not take it in time. */
  close(): Promise<void> {
    this.#closed = true;
    this.#cancelTimer?.();
    const committed = Promise.resolve(this.#committing).then(() => this.#commit());
    return within(this.#options.side.clock, closeTimeoutMs, committed);
  }

  async #commit(): Promise<void> {
    const due = [...this.#dirty];
    await Promise.all(due.map(([address, cursor]) => this.#commitOne(address, cursor)));
    this.#committing = undefined;
    if (this.#dirty.size > 0 && !this.#closed) this.#arm();
  }

  #arm(): void {
    if (this.#cancelTimer !== undefined || this.#committing !== undefined) return;
    const { side, intervalMs } = this.#options;
    this.#cancelTimer = side.clock.setTimer(() => {
      this.#cancelTimer = undefined;
      this.#committing = this.#commit();
    }, intervalMs);
  }

  async #commitOne(address: string, cursor: CursorParts): Promise<void> {
    const { side, onError } = this.#options;
    let durable: DurableName | undefined;
    try {
      // Claimed before it is read, so that no other gateway of this bus can move it in between.
      durable = side.names.claim(address, [address]);
      const stored = await side.history.loadCursor(address);
      if (stored?.epoch !== cursor.epoch || stored.position < cursor.position) await durable.commit(cursor);
      if (this.#dirty.get(address) === cursor) this.#dirty.delete(address);
    } catch (error) {
      // Another gateway of this bus is committing it: once more next time.
      if (!isHexbusError(error, 'HEXBUS_NAME_TAKEN')) onError(error);
    } finally {
      durable?.release();
    }
  }
}
