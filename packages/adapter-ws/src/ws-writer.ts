import type { Duplex } from 'node:stream';
import type { SliceWriter } from '@hexbus/core/gateway';
import type { WebSocket } from 'ws';
import { type Part, sendParts } from './shared-frames.ts';

/** What is written past ws, or parts that it is to make the frames of. */
export type Slice = Uint8Array | readonly Part[];

/** Writes slices to the socket of a WebSocket. */
export class WsWriter implements SliceWriter<Slice> {
  readonly #ws: WebSocket;
  readonly #socket: Duplex;

  constructor(ws: WebSocket, socket: Duplex) {
    this.#ws = ws;
    this.#socket = socket;
  }

  get isOpen(): boolean {
    return this.#ws.readyState === this.#ws.OPEN;
  }

  get bufferedBytes(): number {
    return this.#ws.bufferedAmount;
  }

  sizeOf(slice: Slice): number {
    return slice instanceof Uint8Array ? slice.length : slice.reduce((sum, { payload }) => sum + payload.length, 0);
  }

  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
  }

  write(slice: Slice, written?: (error?: Error | null) => void): void {
    if (slice instanceof Uint8Array) this.#socket.write(slice, written);
    else {
      this.cork();
      sendParts(this.#ws, slice, written);
      this.uncork();
    }
  }
}
