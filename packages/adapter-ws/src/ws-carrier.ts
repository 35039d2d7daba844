import type { Duplex } from 'node:stream';
import { type CancelTimer, systemClock } from '@hexbus/core';
import {
  type Carrier,
  type CarrierListener,
  type Close,
  closeOf,
  type FrameBatch,
  type Handshake,
} from '@hexbus/core/gateway';
import type { WebSocket } from 'ws';
import { wsDefaults } from './options.ts';
import { SliceQueue } from './slice-queue.ts';
import { violationCode } from './violation-code.ts';

/** A WebSocket as a carrier. ws tells of what happens always later, never inside a call of it. */
export class WsCarrier implements Carrier {
  readonly handshake: Handshake;
  readonly protocol: string;
  /** Resolves when the listener was told of the end. */
  readonly gone: Promise<void>;
  readonly #ws: WebSocket;
  readonly #queue: SliceQueue;
  readonly #closeTimeoutMs: number;
  #listener: CarrierListener | undefined;
  #resolveGone: () => void = () => {};
  /** `queued` was answered, so `drained` is owed. */
  #waiting = false;
  /** This side ended it, with this code. */
  #ending: Close | undefined;
  /** Nothing is told any more but the end. */
  #terminated = false;
  #cancelClosing: CancelTimer | undefined;

  constructor(
    ws: WebSocket,
    socket: Duplex,
    handshake: Handshake,
    protocol: string,
    closeTimeoutMs: number = wsDefaults.closeTimeoutMs,
  ) {
    this.#ws = ws;
    this.#closeTimeoutMs = closeTimeoutMs;
    this.handshake = handshake;
    this.protocol = protocol;
    this.#queue = new SliceQueue(ws, socket, () => this.#written());
    this.gone = new Promise((resolve) => {
      this.#resolveGone = resolve;
    });
  }

  start(connect: (carrier: Carrier) => CarrierListener): void {
    this.#ws.on('message', (data: Buffer, isBinary: boolean) => this.#received(data, isBinary));
    this.#ws.on('error', (error) => this.#failed(error));
    this.#ws.on('close', (code, reason) => this.#closed(code, reason.toString()));
    // The socket comes paused, so that a pause inside `connect` holds.
    this.#ws.resume();
    this.#listener = connect(this);
  }

  get bufferedBytes(): number {
    return this.#terminated ? 0 : this.#queue.bytes;
  }

  send(batch: FrameBatch): 'sent' | 'queued' | 'closed' {
    if (this.#ending !== undefined || this.#ws.readyState !== this.#ws.OPEN) return 'closed';
    if (batch.frames.length === 0) return 'sent';
    this.#queue.add(batch);
    if (this.bufferedBytes === 0) return 'sent';
    this.#waiting = true;
    return 'queued';
  }

  pause(): void {
    if (this.#ending === undefined) this.#ws.pause();
  }

  resume(): void {
    this.#ws.resume();
  }

  close(code: number, reason: string): void {
    if (this.#ending !== undefined || this.#ws.readyState !== this.#ws.OPEN) return;
    this.#ending = closeOf(code, reason);
    if (this.#queue.isHandedOn) this.#ws.close(this.#ending.code, this.#ending.reason);
    else this.#watchClosing();
    // The peer's answer must be read, also behind a pause.
    this.#ws.resume();
  }

  terminate(): void {
    this.#terminated = true;
    this.#queue.clear();
    this.#ws.terminate();
  }

  #received(data: Buffer, isBinary: boolean): void {
    if (this.#ending !== undefined || this.#terminated) return;
    if (isBinary) this.close(1003, 'messages must be text');
    else this.#listener?.received(data.toString());
  }

  #failed(error: Error): void {
    const code = violationCode(error);
    if (code !== undefined) this.#ending ??= { code, reason: '' };
  }

  #closed(code: number, reason: string): void {
    const end = this.#ending ?? { code: code === 1005 ? 1006 : code, reason };
    const listener = this.#listener;
    this.#listener = undefined;
    this.#terminated = true;
    this.#queue.clear();
    this.#cancelClosing?.();
    listener?.closed(end.code, end.reason);
    this.#resolveGone();
  }

  #written(): void {
    if (this.#terminated) return;
    if (this.#ending !== undefined && this.#queue.isHandedOn && this.#ws.readyState === this.#ws.OPEN) {
      this.#cancelClosing?.();
      this.#ws.close(this.#ending.code, this.#ending.reason);
    }
    if (!this.#waiting || !this.#queue.isEmpty) return;
    this.#waiting = false;
    this.#listener?.drained();
  }

  /** The close waits behind what the client must take first; ws waits only for its answer. */
  #watchClosing(): void {
    const before = this.bufferedBytes;
    this.#cancelClosing = systemClock.setTimer(() => {
      if (this.bufferedBytes < before) this.#watchClosing();
      else this.terminate();
    }, this.#closeTimeoutMs);
  }
}
