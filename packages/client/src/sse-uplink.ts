import type { CancelTimer, Clock, Randomness } from '@hexbus/core';
import { closeCodes, utf8Length } from '@hexbus/core/wire';
import { JitteredBackoff } from './backoff.ts';
import { brokenCode } from './link.ts';

export interface UplinkOptions {
  readonly clock: Clock;
  readonly randomness: Pick<Randomness, 'fraction'>;
  /** POSTs. Resolves with the status; rejects where no answer came. `query` is empty, or the end of the link. */
  readonly post: (
    body: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
    query: string,
  ) => Promise<number>;
  /** Nothing can be sent any more. Not called after `close`. */
  readonly failed: (code: number, reason: string) => void;
}

/** How long what may wait does. Any other text takes it along. */
const maxWaitMs = 5_000;

/** How often a POST without a good answer is made again, and the longest pauses before. */
const maxRepeats = 5;
const repeatTimings = { reconnectDelayMs: 500, maxReconnectDelayMs: 8_000 };

/** Of a link that is gone, or not this client's, and of what is too long. Others, even 400, may come from something between that does better next time. */
const finalStatuses: readonly number[] = [401, 403, 409, 413];

/** The client's half of an SSE link: one POST at a time, numbered, so that the server takes each once and in order. Meanwhile texts gather for the next. */
export class SseUplink {
  readonly #options: UplinkOptions;
  readonly #backoff: JitteredBackoff;
  /** Undefined before the server has named it, and after a failure. */
  #link: string | undefined;
  #maxBodyBytes = Infinity;
  #waiting: string[] = [];
  /** Something waits that may not. */
  #urgent = false;
  /** One begins in the next turn. */
  #scheduled = false;
  /** A POST is under way, or about to be repeated. */
  #busy = false;
  #sequence = 0;
  /** What the last POST says of the end, and who wants to know when it has. */
  #ending = '';
  #told: (() => void) | undefined;
  #stopped = false;
  /** Of the last POST. One for all would gather what runtimes leave with a signal. */
  #abort = new AbortController();
  /** Of what may wait or, when busy, of the next repeat. */
  #cancelTimer: CancelTimer | undefined;

  constructor(options: UplinkOptions) {
    this.#options = options;
    this.#backoff = new JitteredBackoff(options.randomness, repeatTimings);
  }

  open(link: string, maxBodyBytes: number): void {
    this.#link = link;
    this.#maxBodyBytes = maxBodyBytes;
    this.#wake();
  }

  send(text: string, mayWait: boolean): void {
    if (this.#ending !== '') return;
    this.#waiting.push(text);
    this.#urgent ||= !mayWait;
    this.#wake();
  }

  /** Sends what waits, and the end with it. `told`: the server knows, or cannot be told; called later. */
  close(code: number, reason: string, told: () => void): void {
    this.#ending = new URLSearchParams({ close: String(code), reason }).toString();
    this.#told = told;
    if (this.#link === undefined) queueMicrotask(told);
    // A page that goes may have no further turn.
    else if (!this.#busy) this.#next();
  }

  /** Nobody answers any more. */
  stop(): void {
    this.#stopped = true;
    this.#waiting = [];
    this.#cancelTimer?.();
    this.#abort.abort();
  }

  /** What waits, as the body of one POST: as many texts as there is room for, at least one. */
  take(): string {
    let bytes = 0;
    let count = 0;
    for (const text of this.#waiting) {
      bytes += utf8Length(text);
      if (count > 0 && bytes > this.#maxBodyBytes) break;
      count += 1;
      // The line break.
      bytes += 1;
    }
    const texts = this.#waiting.splice(0, count);
    this.#urgent = this.#waiting.length > 0;
    return texts.join('\n');
  }

  #wake(): void {
    if (this.#scheduled || this.#busy || this.#link === undefined) return;
    const { clock } = this.#options;
    if (this.#urgent || this.#ending !== '') {
      this.#scheduled = true;
      // What is sent in the same turn goes along.
      clock.nextTurn(() => {
        if (this.#scheduled) this.#next();
      });
    } else if (this.#waiting.length > 0) {
      this.#cancelTimer ??= clock.setTimer(() => {
        this.#urgent = true;
        this.#wake();
      }, maxWaitMs);
    }
  }

  #next(): void {
    if (this.#stopped) return;
    this.#scheduled = false;
    this.#busy = true;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const body = this.take();
    this.#sequence += 1;
    void this.#post(body, this.#urgent ? '' : this.#ending, 0);
  }

  async #post(body: string, query: string, repeats: number): Promise<void> {
    const { clock, post, failed } = this.#options;
    const headers = { 'hexbus-link': this.#link ?? '', 'hexbus-sequence': String(this.#sequence) };
    this.#abort = new AbortController();
    const status = await post(body, headers, this.#abort.signal, query).catch(() => 0);
    if (this.#stopped) return;
    // Nothing but a gateway answers so; a page to log in comes with 200.
    if (status === 202) {
      this.#backoff.reset();
      this.#busy = false;
      this.#cancelTimer = undefined;
      if (query === '') this.#wake();
      else this.#told?.();
    } else if (repeats < maxRepeats && !finalStatuses.includes(status)) {
      // The same number again: if the answer was lost, the server takes nothing twice.
      this.#cancelTimer = clock.setTimer(() => void this.#post(body, query, repeats + 1), this.#backoff.next(), true);
    } else {
      this.#link = undefined;
      if (this.#told === undefined) failed(status === 413 ? closeCodes.tooBig : brokenCode, `POST failed: ${status}`);
      else this.#told();
    }
  }
}
