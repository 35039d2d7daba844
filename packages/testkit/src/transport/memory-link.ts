import type { CarrierListener, FrameBatch } from '@hexbus/core/gateway';
import type { ClientAnswer, ClientEnd } from './client.ts';

const lost: ClientEnd = { code: 1006, reason: '' };

/**
 * What both ends of a connection in memory share. Texts reach the client at once; the listener of the carrier is called on microtasks, so never
 * inside a call of a carrier or a client.
 */
export class MemoryLink {
  readonly answer: Promise<ClientAnswer>;
  readonly closed: Promise<ClientEnd>;
  /** Aborted when the client goes, or is not wanted any more. */
  readonly gone: AbortController = new AbortController();
  /** Texts that reached the client and that it did not take. */
  readonly arrived: string[] = [];
  bufferedBytes = 0;

  #answered: (answer: ClientAnswer) => void = () => {};
  #ended: (end: ClientEnd) => void = () => {};
  #readers: { resolve(text: string): void; reject(error: Error): void }[] = [];
  #listener: CarrierListener | undefined;
  #onEnd: () => void = () => {};
  /** From the client: texts, and how it ended. */
  #inbox: (string | ClientEnd)[] = [];
  /** Taken from the server, and not read by the client yet. */
  #outbox: FrameBatch[] = [];
  #serverPaused = false;
  #clientPaused = false;
  #wasQueued = false;
  /** The code that this side gave. */
  #closing: ClientEnd | undefined;
  #end: ClientEnd | undefined;
  #scheduled = false;

  constructor() {
    this.answer = new Promise((resolve) => {
      this.#answered = resolve;
    });
    this.closed = new Promise((resolve) => {
      this.#ended = resolve;
    });
  }

  get isOver(): boolean {
    return this.#end !== undefined;
  }

  refuse(answer: ClientAnswer): void {
    this.#answered(answer);
    this.#finish(lost, lost);
  }

  /** `connect` gets the listener; what the client did meanwhile is told to it afterwards. `onEnd`: the listener was told of the end. */
  connect(protocol: string, connect: () => CarrierListener, onEnd: () => void): void {
    this.#answered({ accepted: true, protocol });
    this.#onEnd = onEnd;
    this.#listener = connect();
    this.#schedule();
  }

  send(batch: FrameBatch): 'sent' | 'queued' | 'closed' {
    if (this.#closing !== undefined || this.isOver) return 'closed';
    this.#outbox.push(batch);
    this.bufferedBytes += batch.bytes;
    if (this.#clientPaused) {
      this.#wasQueued = true;
      return 'queued';
    }
    this.deliver(Number.POSITIVE_INFINITY);
    return 'sent';
  }

  pauseServer(): void {
    this.#serverPaused = true;
  }

  resumeServer(): void {
    this.#serverPaused = false;
    this.#schedule();
  }

  close(end: ClientEnd): void {
    if (this.#closing !== undefined || this.isOver) return;
    this.#closing = end;
    this.#inbox = [];
    if (this.#outbox.length === 0) this.#finish(end, end);
  }

  terminate(): void {
    this.#answered({ accepted: false });
    this.#finish(this.#closing ?? lost, lost);
  }

  sendToServer(text: string): void {
    if (this.isOver || this.#closing !== undefined || this.gone.signal.aborted) return;
    this.#inbox.push(text);
    this.#schedule();
  }

  next(): Promise<string> {
    const text = this.arrived.shift();
    if (text !== undefined) return Promise.resolve(text);
    if (this.isOver) return Promise.reject(new Error('the link is gone'));
    return new Promise((resolve, reject) => void this.#readers.push({ resolve, reject }));
  }

  closeFromClient(end: ClientEnd): void {
    if (this.#listener === undefined) this.terminate();
    else if (this.#closing !== undefined) this.#finish(this.#closing, this.#closing);
    else {
      this.#inbox.push(end);
      this.#schedule();
    }
  }

  pauseClient(): void {
    this.#clientPaused = true;
  }

  resumeClient(): void {
    this.#clientPaused = false;
    this.deliver(Number.POSITIVE_INFINITY);
  }

  /** Hands the client the oldest batches that wait. */
  deliver(maxBatches: number): void {
    for (const batch of this.#outbox.splice(0, maxBatches)) {
      this.bufferedBytes -= batch.bytes;
      for (const { text } of batch.frames) this.#arrive(text);
    }
    if (this.#outbox.length > 0) return;
    if (this.#closing !== undefined) this.#finish(this.#closing, this.#closing);
    else if (this.#wasQueued) this.#schedule();
  }

  #arrive(text: string): void {
    const reader = this.#readers.shift();
    if (reader === undefined) this.arrived.push(text);
    else reader.resolve(text);
  }

  #finish(forServer: ClientEnd, forClient: ClientEnd): void {
    if (this.isOver) return;
    this.#end = forServer;
    this.#inbox = [];
    this.#outbox = [];
    this.bufferedBytes = 0;
    this.gone.abort();
    this.#ended(forClient);
    for (const { reject } of this.#readers.splice(0)) reject(new Error('the link is gone'));
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#tell();
    });
  }

  #tell(): void {
    const listener = this.#listener;
    if (listener === undefined) return;
    while (!this.#serverPaused && !this.isOver) {
      const next = this.#inbox.shift();
      if (next === undefined) break;
      if (typeof next === 'string') listener.received(next);
      else this.#finish(next, next);
    }
    if (this.#wasQueued && this.#outbox.length === 0 && !this.isOver) {
      this.#wasQueued = false;
      listener.drained();
    }
    if (this.#end === undefined) return;
    this.#listener = undefined;
    listener.closed(this.#end.code, this.#end.reason);
    this.#onEnd();
  }
}
