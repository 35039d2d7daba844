import type { CancelTimer, Clock } from '../../clock.ts';
import { closeCodes } from '../../protocol/close-codes.ts';
import { addressOf } from '../addresses.ts';
import type { Disconnects, Moment } from '../admission/disconnects.ts';
import type { LiveConnection } from '../connection/live-connection.ts';

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
  /** Those of its connection. */
  readonly addresses: readonly string[];
  /** It was named by a ticket. */
  readonly byTicket: boolean;
}

interface Session extends Omit<TakenSession, 'session'> {
  /** When its last connection took it, as the disconnects count. */
  readonly takenAt: Moment;
  connection: LiveConnection | undefined;
  /** Of its present or last connection; what is known here of how many it has had. */
  generation: number;
  last: ServerEnd | undefined;
  cancelExpiry: CancelTimer | undefined;
}

export interface SessionsOptions {
  readonly clock: Clock;
  readonly resumeWindowMs: number;
  /** How many sessions without a connection are kept; beyond, the oldest expires. */
  readonly maxDetached: number;
  /** Of so many it is remembered that their tickets are void. */
  readonly maxRemembered: number;
  readonly disconnects: Disconnects;
  readonly onExpired: (session: string, userId: string | undefined, byTicket: boolean) => void;
}

/** The sessions that have a connection here, or had one not long ago. One connection a session: a second one takes it over. */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #sessions = new Map<string, Session>();
  /** Those without a connection, the oldest first. */
  readonly #detached = new Set<string>();
  readonly #voidTickets = new Set<string>();

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Whether a session was ended on purpose: by its name, or since its last connection as one of those that were sent away then. */
  isEnded(session: string): boolean {
    const { takenAt = neverTaken, addresses = [addressOf({ session })] } = this.#sessions.get(session) ?? {};
    return this.#options.disconnects.since(takenAt, addresses);
  }

  /** Whether the ticket of this session brings nobody back any more. */
  isTicketVoid(session: string): boolean {
    return this.isEnded(session) || this.#voidTickets.has(session);
  }

  /** Nobody comes back to this session by its ticket any more. */
  voidTicket(session: string): void {
    this.#voidTickets.add(session);
    const [oldest] = this.#voidTickets;
    if (this.#voidTickets.size > this.#options.maxRemembered && oldest !== undefined) this.#voidTickets.delete(oldest);
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

  generationOf(session: string): number {
    return this.#sessions.get(session)?.generation ?? 1;
  }

  /** It has had connections elsewhere, all below this generation. */
  raise(session: string, generation: number): void {
    const known = this.#sessions.get(session);
    if (known !== undefined) known.generation = Math.max(known.generation, generation);
  }

  /** The connection takes the session, and ends the one that has it. Returns why the server ended the last one, if it did. */
  attach({ session, ...taken }: TakenSession, connection: LiveConnection): ServerEnd | undefined {
    const known = this.#sessions.get(session);
    const before = known?.connection;
    known?.cancelExpiry?.();
    this.#detached.delete(session);
    const { secret, userId, addresses } = taken;
    const byTicket = taken.byTicket || known?.byTicket === true;
    const takenAt = this.#options.disconnects.now();
    const generation = 1 + (known?.generation ?? 0);
    const kept = { secret, userId, addresses, byTicket, takenAt, generation };
    this.#sessions.set(session, { ...kept, connection, last: undefined, cancelExpiry: undefined });
    before?.end(closeCodes.sessionTaken, 'the session goes on elsewhere');
    return known?.last;
  }

  /** The connection is gone; its session waits for another one for a while. */
  detach(session: string, connection: LiveConnection, last: ServerEnd | undefined): void {
    const known = this.#sessions.get(session);
    if (known === undefined || known.connection !== connection) return;
    // It goes on at another gateway and may expire there, or it has ended already.
    if (last?.code === closeCodes.sessionTaken || this.isEnded(session)) {
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

  /** Forgets all, and leaves no timer. */
  clear(): void {
    for (const { cancelExpiry } of this.#sessions.values()) cancelExpiry?.();
    this.#sessions.clear();
    this.#detached.clear();
    this.#voidTickets.clear();
  }

  #expire(session: string): void {
    // By its own name from now on, as its user is forgotten with it.
    if (this.isEnded(session)) this.#options.disconnects.add([addressOf({ session })]);
    const known = this.#sessions.get(session);
    known?.cancelExpiry?.();
    this.#sessions.delete(session);
    this.#detached.delete(session);
    this.#options.onExpired(session, known?.userId, known?.byTicket === true);
  }
}

/** Of a session that no connection here has taken: every disconnect came later. */
const neverTaken: Moment = { time: Number.NEGATIVE_INFINITY, count: 0 };

/** Takes the same time wherever two texts of one length differ. */
function isSame(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let differences = 0;
  for (let index = 0; index < a.length; index++) differences |= a.charCodeAt(index) ^ b.charCodeAt(index);
  return differences === 0;
}
