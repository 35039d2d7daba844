import type { FeedStart } from '../bus/feed.ts';
import type { Hello } from '../ports/protocol.ts';
import type { Handshake } from '../ports/transport.ts';
import { closeCodes } from '../protocol/close-codes.ts';
import { addressesOf } from './addresses.ts';
import type { Identity } from './api.ts';
import { isExpired } from './authenticator.ts';
import type { GatewayParts } from './parts.ts';
import type { Questions } from './questions.ts';
import { parseToken, positionIn, type Token } from './token.ts';

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
}

/** Why a client is not let in, as a close code. */
export interface Refusal {
  readonly code: number;
  readonly reason: string;
}

/** Finds out who says HELLO, which session that is, and where it begins. Changes nothing. Rejects when the history does. */
export async function greet(
  parts: GatewayParts,
  connection: string,
  handshake: Handshake,
  known: Identity | undefined,
  hello: Hello,
  questions: Questions,
): Promise<Greeting | Refusal> {
  const identity = await identify(parts, handshake, known, hello.token, questions);
  if ('code' in identity) return identity;
  const { sessions, settings } = parts;
  const { resume } = hello;
  const resumed =
    resume !== undefined &&
    !sessions.isEnded(resume.session) &&
    (sessions.knows(resume.session, resume.secret, identity.userId) ||
      (await settings.secrets.verify(resume.session, resume.secret, identity.userId)));
  const { session, secret } = resumed
    ? { session: resume.session, secret: resume.secret }
    : await settings.secrets.create(identity.userId);
  const addresses = addressesOf({ id: connection, session, identity });
  const { topics } = parts.internals;
  const userAddress = addresses.find((address) => address.startsWith('@user.') && topics.mayKeep(address));
  // Positions are no secret and give no rights, so they hold for a new session too.
  const token = resume?.token === undefined ? undefined : (parseToken(resume.token) ?? unknownToken);
  const inboxStart = await inboxStartOf(parts, userAddress, resumed ? token : undefined);
  // It may have been ended while its secret was looked at.
  if (resumed && sessions.isEnded(session)) return { code: closeCodes.ended, reason: 'the session has ended' };
  return { identity, session, secret, resumed, addresses, userAddress, token, inboxStart };
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

async function inboxStartOf(
  { internals, userCursors }: GatewayParts,
  userAddress: string | undefined,
  token: Token | undefined,
): Promise<FeedStart | undefined> {
  const { side } = internals;
  if (side === undefined) return undefined;
  if (token !== undefined) return { epoch: token.epoch, position: positionIn(token, inboxId) };
  if (userAddress !== undefined && userCursors !== undefined) return userCursors.startOf(userAddress);
  return { epoch: side.tail.epoch, position: side.tail.head };
}
