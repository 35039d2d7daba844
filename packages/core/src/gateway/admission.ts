import type { WireProtocol } from '../ports/protocol.ts';
import type { Admission, Handshake } from '../ports/transport.ts';
import type { Identity } from './api.ts';
import { Connection } from './connection.ts';
import type { Release } from './connection-limits.ts';
import type { GatewayParts } from './parts.ts';
import { Questions } from './questions.ts';

type Refused = Extract<Admission, { accepted: false }>;

/** How long a client is asked to stay away that came too many. */
const retryAfterMs = 5_000;

/** Decides about one handshake. Never rejects. `isOpen`: whether the gateway takes clients. */
export async function admit(
  parts: GatewayParts,
  handshake: Handshake,
  signal: AbortSignal,
  isOpen: () => boolean,
): Promise<Admission> {
  const refuse = (status: Refused['status'], reason: string, afterMs?: number): Refused => {
    parts.observers.tell('rejected', { why: reason, address: handshake.address });
    return { accepted: false, status, reason, retryAfterMs: afterMs };
  };
  if (!isOpen()) return refuse(503, 'the server is not open', retryAfterMs);
  const protocol = choose(parts.settings.protocols, handshake);
  if (protocol === undefined) return refuse(400, 'no protocol in common');
  const onlyHello = protocol.helloOf(handshake);
  if (onlyHello !== undefined && 'fault' in onlyHello) return refuse(400, onlyHello.fault);
  const place = parts.limits.admit(handshake.address);
  if (typeof place === 'string') return refuse(place === 'maxConnections' ? 503 : 429, place, retryAfterMs);
  const releases: Release[] = [place];
  const giveBack = (): void => {
    for (const release of releases.splice(0)) release();
  };
  const { clock, timings } = parts.settings;
  const questions = new Questions({ clock, timeoutMs: timings.authenticateTimeoutMs });
  const leave = (): void => questions.end();
  if (signal.aborted) leave();
  signal.addEventListener('abort', leave);
  const found = await parts.authenticator.byHandshake(handshake, questions);
  signal.removeEventListener('abort', leave);
  if (found === 'refused') {
    giveBack();
    return refuse(401, 'not authenticated');
  }
  if (found === 'failed' || signal.aborted || !isOpen()) {
    giveBack();
    return refuse(503, found === 'failed' ? 'authentication failed' : 'too late', retryAfterMs);
  }
  const identity: Identity | undefined = found === 'token-wanted' ? undefined : found;
  return {
    accepted: true,
    protocol: protocol.name,
    connect(carrier) {
      const connection = new Connection({
        parts,
        carrier,
        protocol,
        onlyHello,
        identity,
        questions,
        release: giveBack,
      });
      parts.connected(connection);
      connection.begin();
      return connection;
    },
    abandon: giveBack,
  };
}

/** The first protocol that the client names and the gateway speaks; of a client that names none, the first that takes it. */
function choose(protocols: readonly WireProtocol[], handshake: Handshake): WireProtocol | undefined {
  if (handshake.protocols.length === 0) return protocols.find((protocol) => protocol.accepts(handshake));
  for (const name of handshake.protocols) {
    const known = protocols.find((protocol) => protocol.name === name);
    if (known !== undefined) return known;
  }
  return undefined;
}
