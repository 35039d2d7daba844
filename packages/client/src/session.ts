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

export function memorySession(): SessionStore {
  let saved: SavedSession | undefined;
  return {
    load: () => saved,
    save(session) {
      saved = session;
    },
  };
}

/** What a store gave, or undefined when it is no session: whatever lies there may be old, or somebody else's. */
export function readSavedSession(value: unknown): SavedSession | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { session, secret, token, covered } = value as Partial<Record<keyof SavedSession, unknown>>;
  if (typeof session !== 'string' || typeof secret !== 'string') return undefined;
  return {
    session,
    secret,
    ...(typeof token === 'string' ? { token } : {}),
    covered: Array.isArray(covered) ? covered.filter(isCovered) : [],
  };
}

function isCovered(entry: unknown): entry is readonly [number, string] {
  return Array.isArray(entry) && Number.isSafeInteger(entry[0]) && entry[0] > 0 && typeof entry[1] === 'string';
}
