import { type Clock, systemClock } from '@hexbus/core';
import {
  type Carrier,
  type CarrierListener,
  type Close,
  closeOf,
  type FrameBatch,
  type Handshake,
  SliceQueue,
} from '@hexbus/core/gateway';
import { comment, encodeFrames, eventOf } from './event-stream.ts';
import { KeepAlive } from './keep-alive.ts';
import { SinkWriter } from './sink-writer.ts';
import type { Stream } from './stream.ts';

export interface SseCarrierOptions {
  readonly keepAliveMs: number;
  readonly clock?: Clock | undefined;
}

/** An event stream as a carrier, with what its client POSTs. Of what happens it tells always later, never inside a call. */
export class SseCarrier implements Carrier {
  readonly handshake: Handshake;
  readonly protocol: string;
  readonly #stream: Stream;
  readonly #queue: SliceQueue<Buffer>;
  readonly #keepAlive: KeepAlive;
  #listener: CarrierListener | undefined;
  #onGone: ((carrier: SseCarrier) => void) | undefined;
  #gone: Promise<void> | undefined;
  #resolveGone: (() => void) | undefined;
  /** `queued` was answered, so `drained` is owed. */
  #waiting = false;
  #paused = false;
  #whenResumed: (() => void) | undefined;
  /** One side ended it, with this code. */
  #ending: Close | undefined;
  /** Nothing is told any more but the end. */
  #terminated = false;

  constructor(stream: Stream, handshake: Handshake, protocol: string, options: SseCarrierOptions) {
    const { keepAliveMs, clock = systemClock } = options;
    this.handshake = handshake;
    this.protocol = protocol;
    this.#stream = stream;
    this.#queue = new SliceQueue(new SinkWriter(stream.sink), () => this.#written());
    this.#keepAlive = new KeepAlive(keepAliveMs, () => this.#beat(), clock);
  }

  /** `onGone` is called when the listener was told of the end. */
  start(connect: (carrier: Carrier) => CarrierListener, onGone?: (carrier: SseCarrier) => void): void {
    this.#onGone = onGone;
    this.#stream.response.on('close', () => this.#closed());
    this.#listener = connect(this);
  }

  /** Resolves when the listener was told of the end. To be asked before that, by the few who wait for it. */
  get gone(): Promise<void> {
    this.#gone ??= new Promise((resolve) => {
      this.#resolveGone = resolve;
    });
    return this.#gone;
  }

  get bufferedBytes(): number {
    return this.#terminated ? 0 : this.#queue.bytes;
  }

  send(batch: FrameBatch): 'sent' | 'queued' | 'closed' {
    if (this.#isEnding || !this.#stream.sink.writable) return 'closed';
    if (batch.frames.length === 0) return 'sent';
    this.#queue.add(batch.encoded(encodeFrames));
    this.#keepAlive.touch();
    if (this.bufferedBytes === 0) return 'sent';
    this.#waiting = true;
    return 'queued';
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#whenResumed?.();
  }

  close(code: number, reason: string): void {
    if (this.#isEnding) return;
    this.#ending = closeOf(code, reason);
    this.#queue.add([Buffer.from(eventOf({ event: 'close', text: JSON.stringify(this.#ending) }))]);
    this.#endBehind();
    this.resume();
  }

  terminate(): void {
    if (this.#terminated) return;
    this.#terminated = true;
    this.#queue.clear();
    this.#stream.destroy();
    this.resume();
  }

  /** Tells the listener texts of the client as long as it is not paused; once it is closing they are dropped. Resolves with whether the link still stands. */
  async receive(texts: readonly string[]): Promise<boolean> {
    for (const text of texts) {
      while (this.#paused && !this.#isEnding) {
        await new Promise<void>((resolve) => {
          this.#whenResumed = resolve;
        });
      }
      if (this.#isEnding) break;
      this.#listener?.received(text);
    }
    return !this.#terminated;
  }

  /** The client said that it ends here. What it did not take it does not want. */
  left(code: number, reason: string): void {
    if (this.#isEnding) return;
    this.#ending = closeOf(code, reason);
    this.#queue.clear();
    if (this.#queue.bytes > 0) this.#stream.destroy();
    this.#endBehind();
  }

  #written(): void {
    if (this.#terminated) return;
    this.#endBehind();
    if (!this.#waiting || !this.#queue.isEmpty) return;
    this.#waiting = false;
    this.#listener?.drained();
  }

  get #isEnding(): boolean {
    return this.#ending !== undefined || this.#terminated;
  }

  #closed(): void {
    const { code, reason } = this.#ending ?? { code: 1006, reason: '' };
    const listener = this.#listener;
    this.#listener = undefined;
    this.#terminated = true;
    this.#queue.clear();
    this.#keepAlive.stop();
    this.resume();
    listener?.closed(code, reason);
    this.#onGone?.(this);
    this.#resolveGone?.();
  }

  /** Ends the response when the operating system has everything before its end. */
  #endBehind(): void {
    const { response } = this.#stream;
    if (this.#ending !== undefined && this.#queue.isEmpty && !response.writableEnded) response.end();
  }

  #beat(): void {
    if (!this.#isEnding && this.#queue.bytes === 0) this.#stream.sink.write(comment);
  }
}
