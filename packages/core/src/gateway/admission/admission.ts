import type { WireProtocol } from '../../ports/protocol.ts';
import type { Admission, Handshake } from '../../ports/transport.ts';
import { Connection } from '../connection/connection.ts';
import type { Told } from '../connection/told.ts';
import type { GatewayParts } from '../parts.ts';
import { bringsId, ticketOf } from '../sessions/tickets.ts';
import { retryAfterMs } from './come-back.ts';
import { Questions } from './questions.ts';

type Refused = Extract<Admission, { accepted: false }>;

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
  const hello = protocol.helloOf(handshake);
  if (hello !== undefined && 'fault' in hello) return refuse(400, hello.fault);
  const release = parts.limits.admit(handshake.address);
  if (typeof release === 'string') return refuse(release === 'maxConnections' ? 503 : 429, release, retryAfterMs);
  const { clock, timings } = parts.settings;
  const began = parts.disconnects.now();
  const questions = new Questions(clock, timings.authenticateTimeoutMs);
  const leave = (): void => questions.end();
  if (signal.aborted) leave();
  signal.addEventListener('abort', leave);
  // Whoever says everything by the handshake brings no token later.
  const mayBringToken = hello === undefined || hello.token !== undefined;
  const found = await identify(parts, handshake, mayBringToken, questions);
  signal.removeEventListener('abort', leave);
  const abandon = (): void => {
    if (typeof found !== 'string') found.ticket?.giveBack();
    release();
  };
  if (found === 'refused') {
    abandon();
    return refuse(401, 'not authenticated');
  }
  if (found === 'failed' || signal.aborted || !isOpen()) {
    abandon();
    return refuse(503, signal.aborted || found !== 'failed' ? 'too late' : 'authentication failed', retryAfterMs);
  }
  return {
    accepted: true,
    protocol: protocol.name,
    connect(carrier) {
      const told = { ...found, hello, began };
      const connection = new Connection({ parts, carrier, protocol, told, questions, release });
      parts.connected(connection);
      connection.begin();
      return connection;
    },
    abandon,
  };
}

/** Whom the ticket of a handshake names or, where it brings none, whom `authenticate` says. Never rejects. */
async function identify(
  { tickets, authenticator, observers }: GatewayParts,
  handshake: Handshake,
  mayBringToken: boolean,
  questions: Questions,
): Promise<Pick<Told, 'identity' | 'ticket'> | 'refused' | 'failed'> {
  const text = ticketOf(handshake);
  if (text === undefined) {
    const found = await authenticator.byHandshake(handshake, questions);
    if (found === 'token-wanted') return mayBringToken ? { identity: undefined, ticket: undefined } : 'refused';
    return typeof found === 'string' ? found : { identity: found, ticket: undefined };
  }
  try {
    const ticket = await tickets.redeem(text, bringsId(handshake));
    return typeof ticket === 'string' ? ticket : { identity: ticket.identity, ticket };
  } catch (error) {
    observers.error(error);
    return 'failed';
  }
}

/** The first protocol that the client names and the gateway speaks; of a client that names none, the first that takes it. */
function choose(protocols: readonly WireProtocol[], handshake: Handshake): WireProtocol | undefined {
  if (handshake.protocols.length === 0) return protocols.find((protocol) => protocol.accepts(handshake));
  for (const name of handshake.protocols) {
    const known = protocols.find((protocol) => protocol.name === name);
    if (known !== undefined && fits(known, handshake)) return known;
  }
  return undefined;
}

/** Who says nothing after the handshake gives no signs of life, so a protocol for those is spoken only where a broken carrier is noticed all the same. */
function fits(protocol: WireProtocol, handshake: Handshake): boolean {
  return protocol.helloOf(handshake) === undefined || protocol.accepts(handshake);
}
