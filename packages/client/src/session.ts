import { isAscii, isFields, isId, isToken, wireLimits } from '@hexbus/core/wire';

/** What a client needs to go on where it stopped, e.g. after a page was loaded again. Holds a secret. Plain JSON. */
export interface SavedSession {
  readonly session: string;
  readonly secret: string;
  /** Everything before it was handled; absent when the server has no history. */
  readonly token?: string | undefined;
  /** Ids and topics of the subscriptions for which the token says so. */
  readonly covered: readonly (readonly [id: number, topic: string])[];
}

/** Where the session is kept. Throwing is told to the `error` observer and changes nothing else. */
export interface SessionStore {
  /** Asked once, when the client is made. */
  load(): SavedSession | undefined;
  /** Called at each welcome, when something was handled, at most once per `acknowledgeMs`, and at close; with undefined when the server has ended the session. */
  save(session: SavedSession | undefined): void;
}

/** For a session that lives as long as its client. */
export function unsavedSession(): SessionStore {
  return { load: () => undefined, save: () => undefined };
}

/** What a store gave, or undefined when a server could not take it: whatever lies there may be old, or somebody else's. */
export function readSavedSession(value: unknown): SavedSession | undefined {
  if (!isFields(value)) return undefined;
  const { session, secret, token, covered } = value;
  const { maxSessionLength } = wireLimits;
  if (!isAscii(session, maxSessionLength) || !isAscii(secret, maxSessionLength)) return undefined;
  if (token !== undefined && !isToken(token)) return undefined;
  if (!Array.isArray(covered) || !covered.every(isCovered)) return undefined;
  if (new Set(covered.map(([id]) => id)).size < covered.length) return undefined;
  return { session, secret, token, covered };
}

/** Above every id there must be room for those of new subscriptions and requests. */
const maxSavedId = 2 ** 52;

function isCovered(entry: unknown): entry is readonly [number, string] {
  return Array.isArray(entry) && isId(entry[0]) && entry[0] < maxSavedId && typeof entry[1] === 'string';
}
