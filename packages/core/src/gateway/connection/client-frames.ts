import type { Hello, ProtocolHost, ProtocolSession, WireReply, WireSubscription } from '../../ports/protocol.ts';
import { closeCodes } from '../../protocol/close-codes.ts';
import type { ClientMessage } from '../requests/client-asks.ts';
import type { PendingRequests } from '../requests/pending-requests.ts';
import type { AdmittedClient } from './admitted-client.ts';
import type { Renewals } from './renewals.ts';

export interface ClientFramesHost {
  /** The client, if it was let in and is still there. */
  readonly admitted: AdmittedClient | undefined;
  readonly pending: PendingRequests;
  readonly renewals: Renewals;
  onHello(hello: Hello): void;
  onPing(): void;
  tellIgnored(what: string): void;
  /** The client is to go, with this close code. */
  end(code: number, reason: string): void;
  /** The same, of one that broke the protocol. */
  reject(code: number, reason: string): void;
}

/** What one client says: hands it to whom it concerns, and counts what it costs, and what had no effect. */
export class ClientFrames implements ProtocolHost {
  readonly #host: ClientFramesHost;
  readonly #maxIgnored: number;
  #cost = 1;
  #ignored = 0;

  /** `maxIgnored`: so many frames may have no effect before `renew` is called. */
  constructor(host: ClientFramesHost, maxIgnored: number) {
    this.#host = host;
    this.#maxIgnored = maxIgnored;
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
    this.#host.onHello(hello);
  }

  subscribe(subscription: WireSubscription): void {
    this.#host.admitted?.subscribe(subscription);
  }

  unsubscribe(id: number): void {
    this.#host.admitted?.subscriptions.remove(id);
  }

  acknowledge(token: string): void {
    if (this.#host.admitted?.acknowledge(token) === false) this.ignored('an acknowledgement of what was not sent');
  }

  ask(name: string, body: unknown, id?: number): void {
    this.#host.admitted?.asks.ask(name, body, id);
  }

  publish(id: number, message: ClientMessage): void {
    this.#host.admitted?.asks.publish(id, message);
  }

  reply(id: number, reply: WireReply): void {
    const { pending } = this.#host;
    // How many of these come is for the server to say, which has asked. Counted by their bytes, 64 questions in flight took 30 times as long as without.
    if (pending.settle(id, reply)) this.#cost = 0;
    else this.ignored('a reply that nobody waits for', pending.wasAsked(id));
  }

  cancel(id: number): void {
    this.#host.admitted?.asks.cancel(id);
    this.#host.renewals.cancel(id);
  }

  authenticate(id: number, token: string): void {
    if (this.#host.admitted !== undefined) this.#host.renewals.add(id, token);
  }

  ping(): void {
    if (this.#host.admitted !== undefined) this.#host.onPing();
  }

  violated(code: number, reason: string): void {
    this.#host.reject(code, reason);
  }

  ignored(what: string, mayHaveCrossed = false): void {
    this.#host.tellIgnored(what);
    if (mayHaveCrossed) return;
    this.#ignored += 1;
    if (this.#ignored > this.#maxIgnored) this.#host.end(closeCodes.malformed, 'too much without effect');
  }
}
