import type { Duplex } from 'node:stream';
import type { Carrier, CarrierListener, FrameBatch, Handshake } from '@hexbus/core/gateway';
import type { WebSocket } from 'ws';
import { closeCode, closeReason, violationCode } from './close-frame.ts';
import { type BatchWriter, createBatchWriter } from './shared-frames.ts';

/** A WebSocket as a carrier. ws tells of what happens always later, never inside a call of it. */
export class WsCarrier implements Carrier {
  readonly handshake: Handshake;
  readonly protocol: string;
  /** Resolves when the listener was told of the end. */
  readonly gone: Promise<void>;
  readonly #ws: WebSocket;
  readonly #write: BatchWriter;
  #listener: CarrierListener | undefined;
  #resolveGone: () => void = () => {};
  /** Batches that the operating system does not have yet. Not told by `bufferedBytes`, since pongs of ws wait among them. */
  #unwritten = 0;
  /** `queued` was answered, so `drained` is owed. */
  #waiting = false;
  /** This side ended it, with this code. */
  #ending: { readonly code: number; readonly reason: string } | undefined;
  /** Nothing is told any more but the end. */
  #terminated = false;

  constructor(ws: WebSocket, socket: Duplex, handshake: Handshake, protocol: string) {
    this.#ws = ws;
    this.handshake = handshake;
    this.protocol = protocol;
    this.#write = createBatchWriter(ws, socket, this.#written);
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
    return this.#terminated ? 0 : this.#ws.bufferedAmount;
  }

  send(batch: FrameBatch): 'sent' | 'queued' | 'closed' {
    if (this.#ending !== undefined || this.#ws.readyState !== this.#ws.OPEN) return 'closed';
    if (batch.frames.length === 0) return 'sent';
    this.#unwritten += 1;
    this.#write(batch);
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
    this.#ending = { code: closeCode(code), reason: closeReason(reason) };
    this.#ws.close(this.#ending.code, this.#ending.reason);
    // The peer's answer must be read, also behind a pause.
    this.#ws.resume();
  }

  terminate(): void {
    this.#terminated = true;
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
    listener?.closed(end.code, end.reason);
    this.#resolveGone();
  }

  readonly #written = (error?: Error | null): void => {
    // Then the end is near, and nothing was handed on.
    if (error) return;
    this.#unwritten -= 1;
    if (!this.#waiting || this.#unwritten > 0 || this.#terminated) return;
    this.#waiting = false;
    this.#listener?.drained();
  };
}
