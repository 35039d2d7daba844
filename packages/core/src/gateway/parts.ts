import type { Bus } from '../bus/api.ts';
import type { BusInternals } from '../bus/internals.ts';
import type { ObserverHub } from '../observer-hub.ts';
import type { Authenticator } from './admission/authenticator.ts';
import type { ConnectionLimits } from './admission/connection-limits.ts';
import type { Disconnects } from './admission/disconnects.ts';
import type { RequestHandler } from './api.ts';
import type { LiveConnection } from './connection/live-connection.ts';
import type { Flusher } from './connection/outbox.ts';
import type { Directory } from './nodes/directory.ts';
import type { GatewayObserverEvents } from './observers.ts';
import type { GatewaySettings } from './options.ts';
import type { Sessions } from './sessions/sessions.ts';
import type { Tickets } from './sessions/tickets.ts';
import type { CursorTexts } from './stream/cursor-texts.ts';
import type { Matchers } from './stream/matchers.ts';
import type { SharedTurns } from './stream/shared-turns.ts';
import type { UserCursors } from './stream/user-cursors.ts';

/** What the connections of a gateway share. Owned by the gateway. */
export interface GatewayParts {
  readonly bus: Bus;
  readonly internals: BusInternals;
  readonly node: string;
  readonly settings: GatewaySettings;
  readonly observers: ObserverHub<GatewayObserverEvents>;
  readonly authenticator: Authenticator;
  readonly limits: ConnectionLimits;
  readonly sessions: Sessions;
  readonly tickets: Tickets;
  readonly directory: Directory;
  readonly disconnects: Disconnects;
  readonly flusher: Flusher;
  readonly matchers: Matchers;
  readonly turns: SharedTurns;
  readonly handlers: ReadonlyMap<string, RequestHandler>;
  /** Undefined where the bus has no history. */
  readonly userCursors: UserCursors | undefined;
  readonly cursors: CursorTexts;
  /** A carrier stands, of a client that is not let in yet. */
  connected(connection: LiveConnection): void;
  /** A client is let in, and can be found and ended by its addresses, before anybody is told of it. */
  admitted(connection: LiveConnection): void;
  /** It has had its WELCOME. */
  welcomed(connection: LiveConnection, resumed: boolean): void;
  /** The identity of a client that was let in has changed, and with it its capabilities. */
  renewed(connection: LiveConnection): void;
  /** A connection has let go of everything. */
  ended(connection: LiveConnection, code: number, reason: string): void;
  /** Its carrier is gone too. */
  gone(connection: LiveConnection): void;
}
