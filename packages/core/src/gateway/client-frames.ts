import type { Hello, ProtocolHost, ProtocolSession, WireReply, WireSubscription } from '../ports/protocol.ts';
import { closeCodes } from '../protocol/close-codes.ts';
import type { AdmittedClient } from './admitted-client.ts';
import type { ClientMessage } from './client-asks.ts';
import type { PendingRequests } from './pending-requests.ts';
import type { Renewals } from './renewals.ts';

export interface ClientFramesOptions {
  /** The client, if it was let in and is still there. */
  readonly client: () => AdmittedClient | undefined;
  readonly pending: PendingRequests;
  readonly renewals: Renewals;
  /** So many frames may have no effect before `renew` is called. */
  readonly maxIgnored: number;
  readonly onHello: (hello: Hello) => void;
  readonly onPing: () => void;
  readonly onIgnored: (what: string) => void;
  /** The client is to go, with this close code. */
  readonly onFailed: (code: number, reason: string) => void;
  /** The same, of one that broke the protocol. */
  readonly onViolated: (code: number, reason: string) => void;
}

/** What one client says: hands it to whom it concerns, and counts what it costs, and what had no effect. */
export class ClientFrames implements ProtocolHost {
  readonly #options: ClientFramesOptions;
  #cost = 1;
  #ignored = 0;

  constructor(options: ClientFramesOptions) {
    this.#options = options;
  }

  /** Returns as how many frames it counts for the client's rate. 0: it is free, whatever its length. */
  read(text: string, protocol: ProtocolSession): number {
    this.#cost = 1;
    protocol.receive(text);
    return this.#cost;
  }

  /** What had no effect so far does not count any more. */
  renew(): void {
    this.#ignored = 0;
  }

  hello(hello: Hello): void {
    this.#cost += hello.subscriptions.length;
    this.#options.onHello(hello);
  }

  subscribe(subscription: WireSubscription): void {
    this.#options.client()?.subscriptions.add(subscription);
  }

  unsubscribe(id: number): void {
    this.#options.client()?.subscriptions.remove(id);
  }

  acknowledge(token: string): void {
    if (this.#options.client()?.acknowledge(token) === false) this.ignored('an acknowledgement of what was not sent');
  }

  ask(name: string, body: unknown, id?: number): void {
    this.#options.client()?.asks.ask(name, body, id);
  }

  publish(id: number, message: ClientMessage): void {
    this.#options.client()?.asks.publish(id, message);
  }

  reply(id: number, reply: WireReply): void {
    const { pending } = this.#options;
    // How many of these come is for the server to say, which has asked. Counted by their bytes, 64 questions in flight took 30 times as long as without.
    if (pending.settle(id, reply)) this.#cost = 0;
    else this.ignored('a reply that nobody waits for', pending.wasAsked(id));
  }

  cancel(id: number): void {
    this.#options.client()?.asks.cancel(id);
    this.#options.renewals.cancel(id);
  }

  authenticate(id: number, token: string): void {
    if (this.#options.client() !== undefined) this.#options.renewals.add(id, token);
  }

  ping(): void {
    if (this.#options.client() !== undefined) this.#options.onPing();
  }

  violated(code: number, reason: string): void {
    this.#options.onViolated(code, reason);
  }

  ignored(what: string, mayHaveCrossed = false): void {
    this.#options.onIgnored(what);
    if (mayHaveCrossed) return;
    this.#ignored += 1;
    if (this.#ignored > this.#options.maxIgnored)
      this.#options.onFailed(closeCodes.malformed, 'too much without effect');
  }
}
