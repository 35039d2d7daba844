import type { Duplex } from 'node:stream';
import type { FrameBatch } from '@hexbus/core/gateway';
import type { WebSocket } from 'ws';
import { encodeFrames, encodeParts, maxSliceBytes, type Part, sendParts } from './shared-frames.ts';

type Slice = Uint8Array | readonly Part[];

/** What one client is to be sent, in order: handed to its socket slice by slice, so that what waits falls as the client takes it. */
export class SliceQueue {
  readonly #ws: WebSocket;
  readonly #socket: Duplex;
  readonly #onWritten: () => void;
  #waiting: Slice[] = [];
  #waitingBytes = 0;
  /** Slices that the operating system does not have yet. */
  #unwritten = 0;

  /** `onWritten`: the operating system has one slice more. */
  constructor(ws: WebSocket, socket: Duplex, onWritten: () => void) {
    this.#ws = ws;
    this.#socket = socket;
    this.#onWritten = onWritten;
  }

  /** Nothing that was added waits in this process. Not told by `bytes`, since pongs of ws wait among them. */
  get isEmpty(): boolean {
    return this.#unwritten === 0 && this.#waiting.length === 0;
  }

  get bytes(): number {
    return this.#waitingBytes + this.#ws.bufferedAmount;
  }

  add(batch: FrameBatch): void {
    const slices = this.#ws.extensions === '' ? batch.encoded(encodeFrames) : batch.encoded(encodeParts);
    for (const slice of slices) {
      this.#waiting.push(slice);
      this.#waitingBytes += sizeOf(slice);
    }
    this.#handOn();
  }

  clear(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  /** One write of as many slices as are no more than one together, and the next when that is done. */
  #handOn(): void {
    while (this.#waiting.length > 0 && this.#ws.readyState === this.#ws.OPEN) {
      if (this.#unwritten > 0 && this.#ws.bufferedAmount > 0) return;
      const socket = this.#socket;
      socket.cork();
      let room = maxSliceBytes;
      for (let next = this.#waiting[0]; next !== undefined && sizeOf(next) <= room; next = this.#waiting[0]) {
        this.#waiting.shift();
        this.#waitingBytes -= sizeOf(next);
        room -= sizeOf(next);
        this.#unwritten += 1;
        if (next instanceof Uint8Array) socket.write(next, this.#written);
        else sendParts(this.#ws, next, this.#written);
      }
      socket.uncork();
    }
  }

  readonly #written = (error?: Error | null): void => {
    // Then the end is near, and nothing was handed on.
    if (error) return;
    this.#unwritten -= 1;
    this.#handOn();
    this.#onWritten();
  };
}

function sizeOf(slice: Slice): number {
  return slice instanceof Uint8Array ? slice.length : slice.reduce((sum, { payload }) => sum + payload.length, 0);
}
