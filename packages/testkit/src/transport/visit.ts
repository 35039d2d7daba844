import type { Admission, Carrier, CarrierListener, FrameBatch, Handshake } from '@hexbus/core/gateway';
import { check } from '../support/check.ts';
import type { ClientEnd } from './client.ts';
import type { Patience } from './patience.ts';

/** A transport may have a word of its own under way, such as that it closes. */
const ownBytes = 128;

/** One client as the host of the transport sees it, with everything that it was told. */
export class Visit implements CarrierListener {
  readonly handshake: Handshake;
  readonly signal: AbortSignal;
  readonly texts: string[] = [];
  drains = 0;
  ends: ClientEnd[] = [];
  connects = 0;
  abandons = 0;
  /** What happened that never may. */
  readonly faults: string[] = [];
  onText: (text: string) => void = () => {};
  onConnect: (carrier: Carrier) => void = () => {};
  #carrier: Carrier | undefined;
  #inside = 0;
  #drainIsOwed = false;
  readonly #patience: Patience;

  constructor(handshake: Handshake, signal: AbortSignal, patience: Patience) {
    this.handshake = handshake;
    this.signal = signal;
    this.#patience = patience;
  }

  get carrier(): Carrier {
    check(this.#carrier !== undefined, 'the client was not connected');
    return this.#carrier;
  }

  accept(protocol: string): Admission {
    return {
      accepted: true,
      protocol,
      connect: (carrier) => {
        this.connects += 1;
        this.#carrier = carrier;
        this.onConnect(carrier);
        this.#patience.look();
        return this;
      },
      abandon: () => {
        this.abandons += 1;
        this.#patience.look();
      },
    };
  }

  /** Runs a call of the carrier, inside which nothing may be told. */
  call<T>(run: (carrier: Carrier) => T): T {
    this.#inside += 1;
    try {
      return run(this.carrier);
    } catch (error) {
      throw new Error(`a carrier threw: ${String(error)}`, { cause: error });
    } finally {
      this.#inside -= 1;
    }
  }

  /** Sends as `call` does. */
  send(batch: FrameBatch): 'sent' | 'queued' | 'closed' {
    const answer = this.call((carrier) => carrier.send(batch));
    if (answer === 'queued') this.#drainIsOwed = true;
    return answer;
  }

  received(text: string): void {
    this.#told('received');
    this.texts.push(text);
    this.onText(text);
    this.#patience.look();
  }

  drained(): void {
    this.#told('drained');
    const { bufferedBytes } = this.carrier;
    if (bufferedBytes > ownBytes) this.faults.push(`drained was told while ${bufferedBytes} bytes wait`);
    if (!this.#drainIsOwed) this.faults.push('drained was told though nothing was queued since the last time');
    this.#drainIsOwed = false;
    this.drains += 1;
    this.#patience.look();
  }

  closed(code: number, reason: string): void {
    this.#told('closed');
    this.ends.push({ code, reason });
    this.#patience.look();
  }

  #told(what: string): void {
    if (this.#inside > 0) this.faults.push(`${what} was told inside a call of the carrier`);
    if (this.ends.length > 0) this.faults.push(`${what} was told after closed`);
    if (this.#carrier === undefined) this.faults.push(`${what} was told before connect`);
  }
}
