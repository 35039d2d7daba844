import type { FeedStart } from '../../bus/log/feed.ts';
import type { CursorParts } from '../../cursor.ts';
import type { Hello } from '../../ports/protocol.ts';
import type { Handshake } from '../../ports/transport.ts';
import { closeCodes } from '../../protocol/close-codes.ts';
import { addressesOf } from '../addresses.ts';
import { isExpired } from '../admission/authenticator.ts';
import type { Questions } from '../admission/questions.ts';
import type { Identity } from '../api.ts';
import type { GatewayParts } from '../parts.ts';
import type { RedeemedTicket } from '../sessions/tickets.ts';
import { later } from '../stream/later.ts';
import { parseToken, positionIn, type Token } from '../stream/token.ts';
import type { ClientLine } from './client-line.ts';
import type { Told } from './told.ts';

/** The id of a connection's addresses among its subscriptions; clients count theirs from 1. */
export const inboxId = 0;

/** What is found out about a client from its HELLO, before anything is promised to it. */
export interface Greeting {
  readonly identity: Identity;
  readonly session: string;
  readonly secret: string;
  readonly resumed: boolean;
  readonly addresses: readonly string[];
  /** The user's address, if it is retained: then her cursor follows what her sessions acknowledge. */
  readonly userAddress: string | undefined;
  /** Where the stream of a client begins that comes back. */
  readonly token: Token | undefined;
  /** Where its inbox begins. Undefined where nothing is retained. */
  readonly inboxStart: FeedStart | undefined;
  /** How far it has handled its inbox, by what it brings back. Undefined where that means nothing to the history. */
  readonly inboxHandled: CursorParts | undefined;
}

/** Why a client is not let in, as a close code. */
export interface Refusal {
  readonly code: number;
  readonly reason: string;
}

/** Finds out who says HELLO, which session that is, and where it begins. Changes nothing. Rejects when the history does, or takes too long. */
export async function greet(
  { id, parts, carrier, questions }: ClientLine,
  told: Told,
  hello: Hello,
): Promise<Greeting | Refusal> {
  const identity = await identify(parts, carrier.handshake, told.identity, hello.token, questions);
  if ('code' in identity) return identity;
  const taken = await sessionOf(parts, hello.resume, told.ticket, identity.userId);
  const { session, resumed } = taken;
  const addresses = addressesOf({ id, session, identity });
  const { topics } = parts.internals;
  const userAddress = addresses.find((address) => address.startsWith('@user.') && topics.mayKeep(address));
  // Positions are no secret and give no rights, so they hold for a new session too.
  const brought = hello.resume?.token ?? hello.lastToken;
  const token = brought === undefined ? undefined : (parseToken(brought) ?? unknownToken);
  // A client that keeps no session says by its token alone what it has handled.
  const isTold = token !== undefined && (resumed || hello.lastToken !== undefined);
  const inboxPlace = isTold ? inboxPlaceOf(parts, token, resumed ? undefined : userAddress) : undefined;
  const { tail } = parts.internals.side ?? {};
  // Only the history can tell whether a place of another epoch, or beyond the head, means anything.
  const inboxHandled = token !== undefined && tail?.has(inboxOf(token)) === true ? inboxPlace : undefined;
  const inboxStart = await inboxStartOf(parts, questions, userAddress, inboxPlace, resumed);
  return { identity, ...taken, addresses, userAddress, token, inboxStart, inboxHandled };
}

/** The session that the client goes on with or, if it may go on with none, the one of its ticket or a new one. */
async function sessionOf(
  { sessions, settings: { secrets } }: GatewayParts,
  resume: Hello['resume'],
  ticket: RedeemedTicket | undefined,
  userId: string | undefined,
): Promise<Pick<Greeting, 'session' | 'secret' | 'resumed'>> {
  if (resume !== undefined) {
    const { session, secret } = resume;
    const isGenuine = sessions.knows(session, secret, userId) || (await secrets.verify(session, secret, userId));
    if (isGenuine && !sessions.isEnded(session)) return { session, secret, resumed: true };
  }
  if (ticket === undefined) return { ...(await secrets.create(userId)), resumed: false };
  const { session, resumed } = ticket;
  return { session, secret: await secrets.secretFor(session, userId), resumed };
}

/** A token that nobody can read stands for positions that are void. */
const unknownToken: Token = { epoch: '-', position: 1, own: new Map() };

async function identify(
  { authenticator, settings }: GatewayParts,
  handshake: Handshake,
  known: Identity | undefined,
  token: string | undefined,
  questions: Questions,
): Promise<Identity | Refusal> {
  const found = token === undefined ? (known ?? 'refused') : await authenticator.byToken(token, handshake, questions);
  if (found === 'refused' || (found !== 'failed' && isExpired(found, settings.clock)))
    return { code: closeCodes.unauthenticated, reason: 'not authenticated' };
  if (found === 'failed') return { code: closeCodes.overloaded, reason: 'who you are could not be found out' };
  if (known?.userId !== undefined && known.userId !== found.userId)
    return { code: closeCodes.forbidden, reason: 'handshake and token name two users' };
  return found;
}

/** Where the inbox stands in a token. */
function inboxOf(token: Token): CursorParts {
  return { epoch: token.epoch, position: positionIn(token, inboxId) };
}

/**
 * How far the inbox was handled by a token. One that comes with no session names no user: it may have been given to another one, or to nobody in
 * particular. So at `userAddress` it stands for no more than was sent there, and for nothing where that is not known.
 */
function inboxPlaceOf(
  { userCursors }: GatewayParts,
  token: Token,
  userAddress: string | undefined,
): CursorParts | undefined {
  const place = inboxOf(token);
  if (userAddress === undefined) return place;
  const sent = userCursors?.sent.of(userAddress);
  if (sent?.epoch !== place.epoch) return undefined;
  return sent.position < place.position ? sent : place;
}

/** `place`: where the client says that it was, in the session that goes on if it is `resumed`, or else in another one. */
async function inboxStartOf(
  { internals, userCursors }: GatewayParts,
  questions: Questions,
  userAddress: string | undefined,
  place: CursorParts | undefined,
  resumed: boolean,
): Promise<FeedStart | undefined> {
  const { side } = internals;
  if (side === undefined) return undefined;
  if (resumed && place !== undefined) return place;
  const now = { epoch: side.tail.epoch, position: side.tail.head };
  // It may lie beyond the head that the bus knows of: what was sent last.
  const known = place?.epoch === now.epoch ? place : undefined;
  if (userAddress === undefined || userCursors === undefined) return known ?? now;
  const start = await questions.ask('the history', userCursors.startOf(userAddress));
  return later(start, known) ?? start;
}
