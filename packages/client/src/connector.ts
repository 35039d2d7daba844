import type { CancelTimer, Clock } from '@hexbus/core';
import {
  type Bye,
  closeCodes,
  decodeServerFrame,
  type Hello,
  HexbusError,
  type Reconnect,
  reconnectAfter,
  type ServerFrame,
  setDeadline,
  type Welcome,
} from '@hexbus/core/wire';
import { JitteredBackoff } from './backoff.ts';
import { introduction } from './introduction.ts';
import { brokenCode, type Link } from './link.ts';
import type { ClientSettings } from './options.ts';

/** Why a connection, or an attempt at one, ended. */
export interface Close {
  readonly code: number;
  readonly reason: string;
}

/** Whom a connector tells. `welcomed` comes once a connection, then frames, then `lost`; `lost` also comes for attempts. */
export interface ConnectorHost {
  /** What to introduce oneself with, but for the credential. */
  hello(): Hello;
  welcomed(welcome: Welcome): void;
  /** `size`: UTF-16 units of its text. */
  received(frame: ServerFrame, size: number): void;
  /** `retryMs`: when the next attempt begins; undefined while paused. */
  lost(close: Close, how: Reconnect, retryMs: number | undefined): void;
  /** The server told to stay away. */
  refused(close: Close): void;
  failed(error: unknown): void;
}

/** How often a server's interval of signs of life may pass before it counts as dead. */
const maxSilentIntervals = 2;

/** Keeps one connection: opens links, introduces the client, watches for silence, and comes back after each cut. */
export class Connector {
  readonly #settings: ClientSettings;
  readonly #clock: Clock;
  readonly #host: ConnectorHost;
  readonly #backoff: JitteredBackoff;
  /** Counts attempts: what belongs to an earlier one is ignored. */
  #attempt = 0;
  #link: Link | undefined;
  #phase: 'idle' | 'connecting' | 'introduced' | 'welcomed' | 'waiting' | 'paused' | 'closed' = 'idle';
  /** One at a time: of the attempt, of the silence, or of the pause. */
  #cancelTimer: CancelTimer | undefined;
  /** Frames for the connection that wait for the welcome. */
  #early: string[] = [];
  #bye: Bye | undefined;
  #welcomedAt = 0;
  #heardAt = 0;
  #linkClosed: (() => void) | undefined;
  /** It was the client that hung up, so whoever asks may wait for the welcome. */
  #returning = false;

  constructor(settings: ClientSettings, host: ConnectorHost) {
    this.#settings = settings;
    this.#clock = settings.clock;
    this.#host = host;
    this.#backoff = new JitteredBackoff(settings.randomness, settings.timings);
  }

  get connected(): boolean {
    return this.#phase === 'welcomed';
  }

  connect(): void {
    this.#attempt += 1;
    this.#phase = 'connecting';
    const attempt = this.#attempt;
    const { connectTimeoutMs } = this.#settings.timings;
    this.#setTimer(() => this.#hangUp(closeCodes.helloTimeout, 'no welcome in time'), connectTimeoutMs);
    void this.#open(attempt);
  }

  /** Tells whether it was sent. `mayWait`: there is no hurry. */
  send(frame: string, mayWait = false): boolean {
    if (!this.connected) return false;
    this.#link?.send(frame, mayWait);
    return true;
  }

  /** Sends as soon as there is a welcome; dropped if HELLO was not sent yet, which says it too, or with the connection. */
  sendSoon(frame: string): void {
    if (!this.send(frame) && this.#phase === 'introduced') this.#early.push(frame);
  }

  /** Hangs up, until somebody asks or `restart`. */
  pause(reason: string): void {
    if (this.connected) this.#leave(reason);
  }

  /** As `send`; but where the client itself has hung up, it connects, and sends after the welcome. */
  sendAsk(frame: string): boolean {
    if (this.#phase === 'paused') this.#comeBack();
    if (this.send(frame)) return true;
    if (this.#returning) this.#early.push(frame);
    return this.#returning;
  }

  /** Begins a connection that hears everything, unless one is about to: at once, or after a random pause. */
  restart(reason: string, afterPause: boolean): void {
    if (this.#phase === 'introduced' || this.connected) this.#leave(reason);
    if (this.#phase !== 'paused') return;
    if (!afterPause) this.#comeBack();
    else {
      this.#phase = 'waiting';
      this.#setTimer(() => this.connect(), this.#backoff.next(), true);
    }
  }

  /** Hangs up for good. Resolves when the link has closed, which has a bound of its own. */
  close(): Promise<void> {
    const link = this.#link;
    this.#detach('closed');
    return new Promise((resolve) => {
      this.#linkClosed = resolve;
      if (link === undefined) resolve();
      else link.close(closeCodes.ended, '');
    });
  }

  #leave(reason: string): void {
    const code = closeCodes.slowConsumer;
    this.#link?.close(code, reason);
    this.#detach('paused');
    this.#host.lost({ code, reason }, 'backoff', undefined);
  }

  #comeBack(): void {
    this.connect();
    this.#returning = true;
  }

  async #open(attempt: number): Promise<void> {
    const isCurrent = (): boolean => attempt === this.#attempt && this.#phase !== 'closed';
    let token: string | undefined;
    try {
      token = await this.#settings.token();
    } catch (error) {
      if (!isCurrent()) return;
      this.#host.failed(error);
      this.#lost(closeCodes.tokenExpired, 'no credential could be had');
      return;
    }
    if (!isCurrent()) return;
    try {
      this.#link = this.#settings.openLink({
        opened: () => {
          if (!isCurrent()) return;
          this.#phase = 'introduced';
          const [first, ...rest] = introduction({ ...this.#host.hello(), token });
          this.#link?.send(first, false);
          this.#early.unshift(...rest);
        },
        received: (text) => {
          if (isCurrent()) this.#received(text);
        },
        closed: (code, reason, retryAfterMs) => {
          if (attempt !== this.#attempt) return;
          if (this.#phase === 'closed') this.#linkClosed?.();
          else this.#lost(code, reason, retryAfterMs);
        },
      });
    } catch (error) {
      this.#host.failed(error);
      this.#lost(brokenCode, 'no link could be made');
    }
  }

  #received(text: string): void {
    this.#heardAt = this.#clock.now();
    const frame = decodeServerFrame(text);
    if (frame.kind === 'bye') this.#bye = frame.bye;
    else if (frame.kind === 'welcome' && !this.connected) this.#welcomed(frame.welcome);
    else if (frame.kind === 'welcome' || frame.kind === 'malformed' || !this.connected) this.#misunderstood(frame);
    else {
      try {
        this.#host.received(frame, text.length);
      } catch (error) {
        this.#misunderstood(frame, error);
      }
    }
  }

  #misunderstood({ kind }: ServerFrame, cause?: unknown): void {
    const what = `the server sent a frame (${kind}) that makes no sense here; is it a hexbus gateway?`;
    this.#host.failed(new HexbusError('HEXBUS_DISCONNECTED', what, { retryable: true, cause }));
    // Browsers let no page close with the code of a wire error.
    this.#link?.close(closeCodes.malformed, what);
    this.#lost(closeCodes.wireProtocol, what);
  }

  #welcomed(welcome: Welcome): void {
    this.#phase = 'welcomed';
    this.#returning = false;
    this.#welcomedAt = this.#clock.now();
    this.#watch(welcome.pingMs * maxSilentIntervals + this.#settings.timings.silenceSlackMs);
    // First: what observers of the welcome say comes after it.
    for (const frame of this.#early.splice(0)) this.send(frame);
    this.#host.welcomed(welcome);
  }

  /** Asks again when the limit could have passed, so that frames need not set timers. */
  #watch(limitMs: number): void {
    const now = this.#clock.now();
    // The clock may step back.
    this.#heardAt = Math.min(this.#heardAt, now);
    const leftMs = this.#heardAt + limitMs - now;
    if (leftMs > 0) this.#setTimer(() => this.#watch(limitMs), leftMs);
    else this.#hangUp(closeCodes.heartbeatTimeout, 'the server was silent for too long');
  }

  #hangUp(code: number, reason: string): void {
    this.#link?.close(code, reason);
    this.#lost(code, reason);
  }

  #lost(closedWith: number, closedFor: string, retryAfterMs = 0): void {
    const bye = this.#bye;
    const { code, reason } = bye ?? { code: closedWith, reason: closedFor };
    const now = this.#clock.now();
    if (this.connected && now - this.#welcomedAt >= this.#settings.timings.stableMs) this.#backoff.reset();
    const how = reconnectAfter(code);
    if (how === 'no' || (bye?.reconnect === false && how !== 'new-session')) {
      this.#detach('closed');
      this.#host.refused({ code, reason });
      return;
    }
    this.#detach('waiting');
    const retryMs = retryAfterMs + this.#pauseMs(how, bye);
    // Whoever waits for a server wants to see it again, so the process must not end meanwhile.
    this.#setTimer(() => this.connect(), retryMs, true);
    this.#host.lost({ code, reason }, how, retryMs);
  }

  #pauseMs(how: Reconnect, bye: Bye | undefined): number {
    const drawnMs = this.#backoff.next();
    if (bye !== undefined && bye.afterMs > 0) return bye.afterMs;
    return how === 'slow-backoff' ? drawnMs * 2 : drawnMs;
  }

  #detach(phase: 'waiting' | 'paused' | 'closed'): void {
    if (phase !== 'closed') this.#attempt += 1;
    this.#phase = phase;
    this.#link = undefined;
    this.#bye = undefined;
    this.#early = [];
    this.#returning = false;
    this.#cancelTimer?.();
  }

  #setTimer(callback: () => void, delayMs: number, keepAlive = false): void {
    this.#cancelTimer?.();
    this.#cancelTimer = setDeadline(this.#clock, callback, delayMs, keepAlive);
  }
}
