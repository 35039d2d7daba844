import { encodeReply, type WireReply } from '@hexbus/core/wire';
import { assertFrame } from './frame-checks.ts';

/** Something that the server asked on the present connection and waits for. */
export interface Asked {
  readonly id: number;
  /** The server does not want the answer any more, or it has gone. */
  cancelled(): void;
}

/** What the server waits for. An answer goes to the connection that asked, once, or nowhere. */
export class Answers {
  readonly #send: (frame: string) => void;
  readonly #open = new Map<number, Asked>();

  constructor(send: (frame: string) => void) {
    this.#send = send;
  }

  begin(asked: Asked): void {
    this.#open.set(asked.id, asked);
  }

  isOpen(asked: Asked): boolean {
    return this.#open.get(asked.id) === asked;
  }

  /** Tells whether it was sent. Throws, and sends nothing, when the body cannot be. */
  reply(asked: Asked, reply: WireReply): boolean {
    if (!this.isOpen(asked)) return false;
    const frame = encodeReply(asked.id, reply);
    assertFrame(frame);
    this.#open.delete(asked.id);
    this.#send(frame);
    return true;
  }

  /** The time of the server is up, so an answer would only be in its way. */
  forget(asked: Asked): void {
    if (this.isOpen(asked)) this.#open.delete(asked.id);
  }

  cancel(id: number): void {
    const asked = this.#open.get(id);
    this.#open.delete(id);
    asked?.cancelled();
  }

  /** The connection is gone. */
  clear(): void {
    for (const id of [...this.#open.keys()]) this.cancel(id);
  }
}

/** The error that a request or delivery of the server is answered with. */
export function failure(code: 'no-handler' | 'remote-error' | 'cancelled', message: string): WireReply {
  return { ok: false, error: { code, message, retryable: false } };
}
