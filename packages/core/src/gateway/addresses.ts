import { isObject } from '../bus/checks.ts';
import { HexbusError, shorten } from '../errors.ts';
import { maxTopicLength } from '../pattern.ts';
import type { ConnectionInfo } from './api.ts';
import type { Target } from './target.ts';

const kinds = ['user', 'session', 'connection'] as const;
type Kind = (typeof kinds)[number];

/** The topic of those whom a target names: `@all`, `@user.<id>`... Throws `HEXBUS_CONFIG` naming the field that is not valid. */
export function addressOf(target: Target): string {
  const given: Partial<Record<Kind | 'all', unknown>> = isObject(target) ? target : {};
  const named = kinds.filter((kind) => given[kind] !== undefined);
  const [kind] = named;
  if (given.all === true && kind === undefined) return '@all';
  // A target that is half filled in must not reach everybody.
  if (kind === undefined || named.length > 1 || given.all !== undefined) {
    throw new HexbusError(
      'HEXBUS_CONFIG',
      `target names ${kind === undefined ? 'nobody' : 'more than one'}; use exactly one of all: true, ${kinds.join(', ')}`,
    );
  }
  return address(kind, given[kind], `target.${kind}`);
}

/** Whom a request is for, of a target that names one connection. Throws `HEXBUS_CONFIG` for any other. */
export function askedOf(target: Target): { readonly connection: string } | { readonly session: string } {
  addressOf(target);
  const { connection, session } = target as Partial<Record<Kind, string>>;
  if (connection !== undefined) return { connection };
  if (session !== undefined) return { session };
  throw new HexbusError('HEXBUS_CONFIG', 'target names more than one connection; use connection or session');
}

/** The addresses at which a connection receives. Throws `HEXBUS_CONFIG` when its user has an id that fits into none. */
export function addressesOf(connection: Pick<ConnectionInfo, 'id' | 'session' | 'identity'>): readonly string[] {
  const { id, session, identity } = connection;
  const bySession = address('session', session, 'session');
  const byId = address('connection', id, 'connection');
  if (identity.userId === undefined) return ['@all', bySession, byId];
  return ['@all', address('user', identity.userId, 'identity.userId'), bySession, byId];
}

/** Whether a topic or pattern is out of reach for clients, which receive from addresses without asking. */
export function isAddress(topic: string): boolean {
  return topic.startsWith('@');
}

function address(kind: Kind, id: unknown, field: string): string {
  if (typeof id !== 'string' || id === '')
    throw new HexbusError('HEXBUS_CONFIG', `${field} is ${shorten(id)}; use a text that is not empty`);
  const topic = `@${kind}.${tokenOf(id, field)}`;
  if (topic.length <= maxTopicLength) return topic;
  throw new HexbusError(
    'HEXBUS_CONFIG',
    `${field} ${shorten(id)} makes an address of ${topic.length} characters; use an id that makes at most ${maxTopicLength}`,
  );
}

/** An id as one token of a topic. */
function tokenOf(id: string, field: string): string {
  if (/^[\w-]+$/.test(id)) return id;
  try {
    return encodeURIComponent(id).replace(/[.!~*'()]/g, (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`);
  } catch (cause) {
    const message = `${field} ${shorten(id)} has half of a surrogate pair; use well-formed text`;
    throw new HexbusError('HEXBUS_CONFIG', message, { cause });
  }
}
