import type { Duplex } from 'node:stream';
import {
  type Carrier,
  type CarrierListener,
  type Close,
  closeOf,
  type FrameBatch,
  type Handshake,
  SliceQueue,
} from '@hexbus/core/gateway';
import type { WebSocket } from 'ws';
import { encodeFrames, encodeParts } from './shared-frames.ts';
import { violationCode } from './violation-code.ts';
import { type Slice, WsWriter } from './ws-writer.ts';

/** A WebSocket as a carrier. ws tells of what happens always later, never inside a call of it. */
export class WsCarrier implements Carrier {
  readonly handshake: Handshake;
  readonly protocol: string;
  readonly #ws: WebSocket;
  readonly #queue: SliceQueue<Slice>;
  #listener: CarrierListener | undefined;
  #onGone: ((carrier: WsCarrier) => void) | undefined;
  #gone: Promise<void> | undefined;
  #resolveGone: (() => void) | undefined;
  /** `queued` was answered, so `drained` is owed. */
  #waiting = false;
  /** This side ended it, with this code. */
  #ending: Close | undefined;
  /** Nothing is told any more but the end. */
  #terminated = false;

  constructor(ws: WebSocket, socket: Duplex, handshake: Handshake, protocol: string) {
    this.#ws = ws;
    this.handshake = handshake;
    this.protocol = protocol;
    this.#queue = new SliceQueue(new WsWriter(ws, socket), () => this.#written());
  }

  /** `onGone` is called when the listener was told of the end. */
  start(connect: (carrier: Carrier) => CarrierListener, onGone?: (carrier: WsCarrier) => void): void {
    this.#onGone = onGone;
    this.#ws.on('message', (data: Buffer, isBinary: boolean) => this.#received(data, isBinary));
    this.#ws.on('error', (error) => this.#failed(error));
    this.#ws.on('close', (code, reason) => this.#closed(code, reason.toString()));
    // The socket comes paused, so that a pause inside `connect` holds.
    this.#ws.resume();
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
    if (this.#ending !== undefined || this.#ws.readyState !== this.#ws.OPEN) return 'closed';
    if (batch.frames.length === 0) return 'sent';
    this.#queue.add(this.#ws.extensions === '' ? batch.encoded(encodeFrames) : batch.encoded(encodeParts));
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
    this.#closeBehind(this.#ending);
    // The peer's answer must be read, also behind a pause.
    this.#ws.resume();
  }

  terminate(): void {
    this.#terminated = true;
    this.#queue.clear();
    this.#ws.terminate();
  }

  #written(): void {
    if (this.#terminated) return;
    if (this.#ending !== undefined) this.#closeBehind(this.#ending);
    if (!this.#waiting || !this.#queue.isEmpty) return;
    this.#waiting = false;
    this.#listener?.drained();
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
    listener?.closed(end.code, end.reason);
    this.#onGone?.(this);
    this.#resolveGone?.();
  }

  /** Not before the operating system has everything that was sent: from then on ws counts how long the client takes to answer. */
  #closeBehind({ code, reason }: Close): void {
    if (this.#queue.isEmpty && this.#ws.readyState === this.#ws.OPEN) this.#ws.close(code, reason);
  }
}
