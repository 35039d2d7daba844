import type { ConnectionEntry } from '../../ports/registry.ts';
import { closeCodes } from '../../protocol/close-codes.ts';
import type { LiveConnection } from '../connection/live-connection.ts';
import type { Sessions } from '../sessions/sessions.ts';

export interface TakeOversOptions {
  readonly sessions: Pick<Sessions, 'connectionOf' | 'raise'>;
  readonly entryOf: (connection: LiveConnection) => ConnectionEntry;
  /** Resolves when the registry has taken it, or has failed. */
  readonly register: (entry: ConnectionEntry) => Promise<void>;
  readonly findSession: (session: string) => Promise<readonly ConnectionEntry[]>;
  /** Tells the node of another connection by which one it is to give way to. */
  readonly tell: (other: ConnectionEntry, by: ConnectionEntry) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

/** A session may come back at a node while it has a connection at another one. Of all that it has one stays, that of the highest generation. */
export class TakeOvers {
  readonly #options: TakeOversOptions;

  constructor(options: TakeOversOptions) {
    this.#options = options;
  }

  /** A session came back here. Never rejects. */
  async begin(connection: LiveConnection): Promise<void> {
    const { entryOf, register, findSession, sessions, tell, onError } = this.#options;
    const { node, session } = entryOf(connection);
    const isLive = (): boolean => sessions.connectionOf(session) === connection;
    const registered = async (): Promise<readonly ConnectionEntry[]> => {
      await register(entryOf(connection));
      return (await findSession(session)).filter((other) => other.node !== node);
    };
    try {
      const found = await registered();
      if (found.length === 0 || !isLive()) return;
      sessions.raise(session, 1 + Math.max(...found.map(({ generation }) => generation)));
      // Who comes at the same time may have risen as far. It is found now, or else it finds this one and rises further.
      const others = await registered();
      if (!isLive()) return;
      const own = entryOf(connection);
      await Promise.all(others.map((other) => tell(other, own)));
    } catch (error) {
      onError(error);
    }
  }

  /** Another node tells that the session of a connection here goes on there. */
  giveWay(id: string, by: ConnectionEntry): void {
    const connection = this.#options.sessions.connectionOf(by.session);
    // It may have risen since.
    if (connection?.id !== id || !isBefore(this.#options.entryOf(connection), by)) return;
    connection.end(closeCodes.sessionTaken, 'the session goes on elsewhere');
  }
}

/** Whether a session goes on at the second rather than at the first. Clocks of different nodes count only for those that came at once. */
export function isBefore(one: ConnectionEntry, other: ConnectionEntry): boolean {
  if (one.generation !== other.generation) return one.generation < other.generation;
  return one.connectedAt < other.connectedAt || (one.connectedAt === other.connectedAt && one.id < other.id);
}
