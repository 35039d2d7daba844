import type { ProtocolSession } from '../../ports/protocol.ts';
import type { Carrier } from '../../ports/transport.ts';
import type { Questions } from '../admission/questions.ts';
import type { GatewayParts } from '../parts.ts';
import type { PendingRequests } from '../requests/pending-requests.ts';
import type { Outbox } from './outbox.ts';

/** The line to one client: what all parts of its connection work with. Owned by the connection. */
export interface ClientLine {
  /** Of the connection. */
  readonly id: string;
  readonly parts: GatewayParts;
  readonly carrier: Carrier;
  readonly protocol: ProtocolSession;
  readonly outbox: Outbox;
  /** What the client was asked. */
  readonly pending: PendingRequests;
  /** What the program was asked about the client. */
  readonly questions: Questions;
  /** False for a client that says nothing. */
  readonly canAnswer: boolean;
  /** Something that the client sent had no effect. `mayHaveCrossed`: through no fault of its own. */
  onIgnored(what: string, mayHaveCrossed: boolean): void;
  onError(error: unknown): void;
  /** The client is to go, with this close code. */
  end(code: number, reason: string): void;
}
