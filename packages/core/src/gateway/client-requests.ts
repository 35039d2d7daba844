import type { ProtocolSession } from '../ports/protocol.ts';
import type { Outcome, RequestOptions } from './api.ts';
import type { Outbox } from './outbox.ts';
import type { PendingRequests } from './pending-requests.ts';

export interface ClientRequestsOptions {
  readonly protocol: ProtocolSession;
  readonly outbox: Outbox;
  readonly pending: PendingRequests;
  readonly requestTimeoutMs: number;
  /** False for a client that says nothing. */
  readonly canAnswer: boolean;
}

const noHandler: Outcome = { status: 'error', code: 'no-handler', message: 'this client only listens' };
const overloaded: Outcome = { status: 'error', code: 'overloaded', message: 'the client takes nothing at present' };

/** Asks one client, if it can answer and takes anything. */
export class ClientRequests {
  readonly #options: ClientRequestsOptions;

  constructor(options: ClientRequestsOptions) {
    this.#options = options;
  }

  /** Rejects only for a body that cannot be sent. */
  async ask(name: string, body: unknown, { timeoutMs, signal }: RequestOptions): Promise<Outcome> {
    const { protocol, outbox, pending, requestTimeoutMs, canAnswer } = this.#options;
    if (!canAnswer) return noHandler;
    if (!outbox.hasRoom && pending.isConnected) return overloaded;
    const withinMs = timeoutMs ?? requestTimeoutMs;
    const send = (id: number): boolean => {
      outbox.add(protocol.request(id, name, body, withinMs));
      return true;
    };
    return pending.ask(send, { timeoutMs: withinMs, signal });
  }
}
