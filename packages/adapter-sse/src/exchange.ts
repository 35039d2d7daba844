import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type Clock, systemClock } from '@hexbus/core';
import { setDeadline } from '@hexbus/core/gateway';
import { ByteCollector } from './byte-collector.ts';
import { channelOf, http2StreamOf, type SseRequest, type SseResponse } from './http.ts';

/** An HTTP answer instead of a stream. */
export interface Refusal {
  readonly status: number;
  readonly reason: string;
  readonly retryAfterMs?: number | undefined;
}

export interface BodyLimits {
  readonly maxBytes: number;
  readonly timeoutMs: number;
}

/** One request and its answer. The client may go at any moment, which is no error. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly #over = new AbortController();
  readonly #limits: BodyLimits;
  readonly #clock: Clock;

  constructor(request: SseRequest, response: SseResponse, limits: BodyLimits, clock: Clock = systemClock) {
    // What is used here, HTTP/2 has too.
    this.request = request as IncomingMessage;
    this.response = response as ServerResponse;
    this.#limits = limits;
    this.#clock = clock;
    this.request.on('error', ignore);
    this.response.on('error', ignore);
    this.response.on('close', this.#onClose);
    const socket: Socket | null | undefined = this.request.socket;
    if (socket?.destroyed ?? true) this.#onClose();
  }

  /** Aborted when the client went, or was answered. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** There is nobody to answer: the client went, or was answered, which somebody else may have done. */
  get isOver(): boolean {
    return this.signal.aborted || this.response.headersSent;
  }

  /** The client says itself that it will send more than it may. */
  get isTooLong(): boolean {
    return Number(this.request.headers['content-length'] ?? 0) > this.#limits.maxBytes;
  }

  /** Everything that the client sends, or why that cannot be had. Never rejects. */
  body(): Promise<Buffer | 'too long' | 'too slow' | 'gone' | 'taken'> {
    const { request, signal } = this;
    const { maxBytes, timeoutMs } = this.#limits;
    if (request.readableEnded) return Promise.resolve('taken');
    if (signal.aborted) return Promise.resolve('gone');
    if (this.isTooLong) return Promise.resolve('too long');
    return new Promise((resolve) => {
      const collector = new ByteCollector(maxBytes);
      const take = (chunk: Buffer): void => {
        if (!collector.add(chunk)) settle('too long');
      };
      const end = (): void => settle(collector.bytes);
      const gone = (): void => settle('gone');
      const cancel = setDeadline(this.#clock, () => settle('too slow'), timeoutMs);
      const settle = (result: Buffer | 'too long' | 'too slow' | 'gone'): void => {
        cancel?.();
        request.off('data', take).off('end', end);
        signal.removeEventListener('abort', gone);
        resolve(result);
      };
      signal.addEventListener('abort', gone);
      // Whoever had it before may have paused it.
      request.on('data', take).on('end', end).resume();
    });
  }

  /** Answers without a body. */
  accept(status: 202 | 204): void {
    this.#end(status, '');
  }

  /** Says by a header that it was not something on the way that refused. */
  refuse({ status, reason, retryAfterMs }: Refusal): void {
    if (this.isOver) return;
    this.response.setHeader('Hexbus-Refused', '1');
    if (retryAfterMs !== undefined) this.response.setHeader('Retry-After', Math.ceil(retryAfterMs / 1000));
    this.response.setHeader('Content-Type', 'text/plain; charset=utf-8');
    this.#end(status, reason);
  }

  /** A whole answer of another kind. */
  answer(type: string, text: string): void {
    if (this.isOver) return;
    this.response.setHeader('Content-Type', type);
    this.#end(200, text);
  }

  /** Goes without an answer, unless somebody else gives one. */
  drop(): void {
    if (!this.isOver) this.#cut();
    this.#onClose();
  }

  /** Hands the response on. What happens to it from now on is somebody else's to see. */
  release(): void {
    this.response.off('close', this.#onClose);
  }

  #end(status: number, text: string): void {
    if (this.isOver) return;
    this.response.statusCode = status;
    this.response.setHeader('Cache-Control', 'no-store');
    if (!this.request.complete) this.#dropRest();
    this.response.end(text);
    this.#onClose();
  }

  /** A client that is cut while it sends may lose the answer, so what it still sends is read, for a while. */
  #dropRest(): void {
    const cancel = this.#clock.setTimer(() => this.#cut(), this.#limits.timeoutMs);
    this.request.once('close', cancel).resume();
  }

  #cut(): void {
    const channel = channelOf(this.request, this.response);
    if (http2StreamOf(this.response) === undefined) channel.destroy();
    // Node 20 does not come back from here where the client has just gone and another stream of its connection had something unsent.
    else this.#clock.nextTurn(() => channel.destroy());
  }

  readonly #onClose = (): void => {
    this.release();
    this.#over.abort();
  };
}

/** Outlives the exchange, and so must not hold it. */
function ignore(): void {}
