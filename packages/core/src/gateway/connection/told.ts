import type { Hello } from '../../ports/protocol.ts';
import type { Moment } from '../admission/disconnects.ts';
import type { Identity } from '../api.ts';
import type { RedeemedTicket } from '../sessions/tickets.ts';

/** What a handshake told of its client. */
export interface Told {
  /** When its admission began, as the disconnects count. */
  readonly began: Moment;
  /** Who it is, if that was told. */
  readonly identity: Identity | undefined;
  /** The ticket by which it came. */
  readonly ticket: RedeemedTicket | undefined;
  /** All that it says, if it will say nothing more. */
  readonly hello: Hello | undefined;
}
