import type { Message } from '../../message.ts';
import type { Outcome } from '../api.ts';
import type { ClientLine } from '../connection/client-line.ts';

/** Hands messages of held topics to one client: each as a request, as soon as there is room for it. */
export class Deliveries {
  readonly #line: ClientLine;
  /** Those that wait for room, in order. */
  readonly #waiting = new Set<() => void>();

  constructor(line: ClientLine) {
    this.#line = line;
  }

  /** Resolves with the answer of the client. Rejects when it fails, goes, or the signal is aborted. */
  async deliver(sub: number, message: Message, signal: AbortSignal): Promise<unknown> {
    const { outbox } = this.#line;
    const ask = (): Promise<Outcome> => this.#ask(sub, message, signal);
    const outcome = await (outbox.hasRoom ? ask() : this.#whenRoom(ask, signal));
    if (outcome.status === 'success') return outcome.body;
    // The client's subscription has ended, of which it tells or is told next: it left, and did not fail. Until then it is one that does not answer.
    if (outcome.status === 'error' && outcome.code === 'cancelled') await aborted(signal);
    throw new Error(outcome.status === 'error' ? `${outcome.code}: ${outcome.message}` : outcome.status);
  }

  /** There is room again. */
  onRoom(): void {
    for (const start of this.#waiting) {
      if (!this.#line.outbox.hasRoom) return;
      start();
    }
  }

  /** Asks at the latest when the signal is aborted, for then nothing is sent any more. */
  #whenRoom(ask: () => Promise<Outcome>, signal: AbortSignal): Promise<Outcome> {
    return new Promise((resolve) => {
      const start = (): void => {
        this.#waiting.delete(start);
        signal.removeEventListener('abort', start);
        resolve(ask());
      };
      this.#waiting.add(start);
      signal.addEventListener('abort', start);
      if (signal.aborted) start();
    });
  }

  #ask(sub: number, message: Message, signal: AbortSignal): Promise<Outcome> {
    const { protocol, outbox, pending, parts } = this.#line;
    const send = (id: number): boolean => {
      const frame = protocol.delivery(id, sub, message, parts.internals.handleTimeoutMs);
      outbox.add(frame);
      return frame !== undefined;
    };
    // How many there are is for subscriptions to bound, and none that was not sent may count as a try.
    return pending.ask(send, { timeoutMs: Number.POSITIVE_INFINITY, signal, isUncounted: true });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve());
  });
}
