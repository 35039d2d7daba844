import type { CancelTimer, Clock } from '../clock.ts';
import { closeCodes } from '../protocol/close-codes.ts';
import type { LiveConnection } from './live-connection.ts';

/** Why the server ended a connection. */
export interface ServerEnd {
  readonly code: number;
  readonly reason: string;
}

/** Which session a connection takes. */
export interface TakenSession {
  readonly session: string;
  readonly secret: string;
  readonly userId: string | undefined;
  /** It was named by a ticket. */
  readonly byTicket: boolean;
}

interface Session {
  readonly secret: string;
  readonly userId: string | undefined;
  readonly byTicket: boolean;
  connection: LiveConnection | undefined;
  last: ServerEnd | undefined;
  cancelExpiry: CancelTimer | undefined;
}

/** How many sessions that nobody may resume are remembered at least, of those that were ended on purpose, and of those of tickets. */
const leastRemembered = 10_000;

export interface SessionsOptions {
  readonly clock: Clock;
  readonly resumeWindowMs: number;
  /** How many sessions without a connection are kept; beyond, the oldest expires. */
  readonly maxDetached: number;
  /** How many may have one. All that there are can be ended at once, and each of them must be remembered. */
  readonly maxConnections: number;
  readonly onExpired: (session: string, userId: string | undefined, byTicket: boolean) => void;
}

/** The sessions that have a connection here, or had one not long ago. One connection a session: a second one takes it over. */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #maxRemembered: number;
  readonly #sessions = new Map<string, Session>();
  /** Those without a connection, the oldest first. */
  readonly #detached = new Set<string>();
  readonly #ended = new Set<string>();
  readonly #voidTickets = new Set<string>();

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#maxRemembered = Math.max(options.maxConnections + options.maxDetached, leastRemembered);
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Whether a session was ended on purpose. */
  isEnded(session: string): boolean {
    return this.#ended.has(session);
  }

  /** Whether the ticket of this session brings nobody back any more. */
  isTicketVoid(session: string): boolean {
    return this.#ended.has(session) || this.#voidTickets.has(session);
  }

  /** Nobody comes back to this session by its ticket any more. */
  voidTicket(session: string): void {
    remember(this.#voidTickets, session, this.#maxRemembered);
  }

  /** Whether a session has a connection here, or had one not long ago. */
  has(session: string): boolean {
    return this.#sessions.has(session);
  }

  /** Whether this is a session that is known here, of that user and with that secret: then its signature need not be looked at. */
  knows(session: string, secret: string, userId: string | undefined): boolean {
    const known = this.#sessions.get(session);
    return known !== undefined && known.userId === userId && isSame(known.secret, secret);
  }

  connectionOf(session: string): LiveConnection | undefined {
    return this.#sessions.get(session)?.connection;
  }

  /** The connection takes the session, and ends the one that has it. Returns why the server ended the last one, if it did. */
  attach({ session, secret, userId, byTicket }: TakenSession, connection: LiveConnection): ServerEnd | undefined {
    const known = this.#sessions.get(session);
    const before = known?.connection;
    known?.cancelExpiry?.();
    this.#detached.delete(session);
    const taken = { secret, userId, byTicket: byTicket || known?.byTicket === true };
    this.#sessions.set(session, { ...taken, connection, last: undefined, cancelExpiry: undefined });
    before?.end(closeCodes.sessionTaken, 'the session goes on elsewhere');
    return known?.last;
  }

  /** The connection is gone; its session waits for another one for a while. */
  detach(session: string, connection: LiveConnection, last: ServerEnd | undefined): void {
    const known = this.#sessions.get(session);
    if (known === undefined || known.connection !== connection) return;
    // It goes on at another gateway and may expire there, or it has ended already.
    if (last?.code === closeCodes.sessionTaken || this.#ended.has(session)) {
      this.#sessions.delete(session);
      return;
    }
    known.connection = undefined;
    known.last = last;
    const { clock, resumeWindowMs, maxDetached } = this.#options;
    known.cancelExpiry = clock.setTimer(() => this.#expire(session), resumeWindowMs);
    this.#detached.add(session);
    const [oldest] = this.#detached;
    if (this.#detached.size > maxDetached && oldest !== undefined) this.#expire(oldest);
  }

  /** The session is not to be resumed. */
  markEnded(session: string): void {
    remember(this.#ended, session, this.#maxRemembered);
  }

  /** Forgets all, and leaves no timer. */
  clear(): void {
    for (const { cancelExpiry } of this.#sessions.values()) cancelExpiry?.();
    this.#sessions.clear();
    this.#detached.clear();
    this.#ended.clear();
    this.#voidTickets.clear();
  }

  #expire(session: string): void {
    const known = this.#sessions.get(session);
    known?.cancelExpiry?.();
    this.#sessions.delete(session);
    this.#detached.delete(session);
    this.#options.onExpired(session, known?.userId, known?.byTicket === true);
  }
}

function remember(sessions: Set<string>, session: string, maxRemembered: number): void {
  sessions.add(session);
  const [oldest] = sessions;
  if (sessions.size > maxRemembered && oldest !== undefined) sessions.delete(oldest);
}

/** Takes the same time wherever two texts of one length differ. */
function isSame(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let differences = 0;
  for (let index = 0; index < a.length; index++) differences |= a.charCodeAt(index) ^ b.charCodeAt(index);
  return differences === 0;
}
