import { configError } from '../../bus/checks.ts';
import type { Clock } from '../../clock.ts';
import type { Handshake } from '../../ports/transport.ts';
import { noPlaceYet, queryOf } from '../../protocol/event-source-query.ts';
import { addressesOf } from '../addresses.ts';
import { isExpired } from '../admission/authenticator.ts';
import type { Disconnects, Moment } from '../admission/disconnects.ts';
import type { Identity } from '../api.ts';
import { parseToken } from '../stream/token.ts';
import type { SessionSecrets } from './session-secrets.ts';
import type { Sessions } from './sessions.ts';
import { fromBase64url, type Signer, toBase64url } from './signer.ts';

/** What a ticket stands for, in the hands of one client. */
export interface RedeemedTicket {
  readonly identity: Identity;
  readonly session: string;
  /** The session was bound before, and goes on. */
  readonly resumed: boolean;
  /** The client was not let in, so the ticket counts as not used by it. */
  giveBack(): void;
}

export interface TicketsOptions {
  readonly signer: Signer;
  readonly secrets: SessionSecrets;
  readonly sessions: Sessions;
  readonly disconnects: Disconnects;
  readonly clock: Clock;
  /** How long a ticket waits for its first use. */
  readonly ticketMs: number;
  /** So many first uses are remembered at most, each for `ticketMs`. Further ones are refused meanwhile. */
  readonly maxUsed: number;
}

/** What is signed. */
interface Payload {
  readonly session: string;
  readonly identity: Identity;
  /** When it was made. */
  readonly from: Moment;
}

const ticketForm = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
/** It is a part of an address, and servers take no long ones. */
const maxTicketLength = 4_096;

/**
 * Tickets let a client in that can say nothing but its address: each names a new session and who it is of. Good for one first use; then for whoever
 * comes back to that session.
 */
export class Tickets {
  readonly #options: TicketsOptions;
  /** Sessions of tickets that were used, with the time from which on they need not be known, oldest first. */
  readonly #used = new Map<string, number>();

  constructor(options: TicketsOptions) {
    this.#options = options;
  }

  /** Rejects with `HEXBUS_CONFIG` for an identity that JSON cannot carry, or that makes too long a ticket. */
  async create(identity: Identity): Promise<string> {
    const { secrets, signer, disconnects } = this.#options;
    const { session } = await secrets.create(identity.userId);
    const text = encode({ session, identity, from: disconnects.now() });
    const ticket = `${text}.${await signer.sign(signedText(text))}`;
    if (ticket.length <= maxTicketLength) return ticket;
    const hint = `keep less in it, as a ticket has at most ${maxTicketLength}`;
    throw configError('identity', `of ${ticket.length} characters as a ticket`, hint);
  }

  /** `comesBack`: the client has been let in before, as the id tells that it brings. */
  async redeem(ticket: string, comesBack: boolean): Promise<RedeemedTicket | 'refused' | 'failed'> {
    if (ticket.length > maxTicketLength || !ticketForm.test(ticket)) return 'refused';
    const [text = '', signature] = ticket.split('.');
    if (!(await this.#options.signer.verify(signedText(text), signature))) return 'refused';
    return this.#use(decode(text), comesBack);
  }

  clear(): void {
    this.#used.clear();
  }

  /** At one go, so that of two who come at once with one ticket only one is the first. */
  #use({ session, identity, from }: Payload, comesBack: boolean): RedeemedTicket | 'refused' | 'failed' {
    const { clock, signer, sessions, disconnects, ticketMs, maxUsed } = this.#options;
    const now = clock.now();
    if (isExpired(identity, clock) || sessions.isTicketVoid(session)) return 'refused';
    if (disconnects.since(from, addressesOf({ id: '-', session, identity }))) return 'refused';
    const isFirst = !this.#used.has(session) && !sessions.has(session);
    const isInTime = isFirst && now <= from.time + ticketMs;
    // It may have been used elsewhere, or before this process began.
    const isBack = comesBack && (!isFirst || signer.isShared);
    if (!isInTime && !isBack) return 'refused';
    this.#forget(now);
    if (isFirst && this.#used.size >= maxUsed) return 'failed';
    if (isFirst) this.#used.set(session, now + ticketMs);
    const giveBack = (): void => {
      if (isFirst) this.#used.delete(session);
    };
    return { identity, session, resumed: comesBack, giveBack };
  }

  /** A ticket that is too old for a first use need not be known as used. */
  #forget(now: number): void {
    for (const [session, until] of this.#used) {
      if (until >= now) return;
      this.#used.delete(session);
    }
  }
}

/** Whether a client has been let in before, as the id tells that it brings: one that is no id of a gateway tells nothing. */
export function bringsId({ headers }: Handshake): boolean {
  const id = headers['last-event-id'];
  return id !== undefined && (id === noPlaceYet || parseToken(id) !== undefined);
}

/** The ticket that a client brings in its address. */
export function ticketOf({ url }: Handshake): string | undefined {
  return queryOf(url).get('ticket') ?? undefined;
}

/** Unlike the signed text of a session this one does not begin with a bracket. */
function signedText(text: string): string {
  return `hexbus ticket ${text}`;
}

function encode(payload: Payload): string {
  let json: string;
  try {
    json = JSON.stringify(payload);
  } catch (cause) {
    throw configError('identity', cause, 'use what JSON can carry');
  }
  return toBase64url(new TextEncoder().encode(json));
}

function decode(text: string): Payload {
  return JSON.parse(new TextDecoder().decode(fromBase64url(text))) as Payload;
}
