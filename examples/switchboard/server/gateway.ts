import type { Server } from 'node:http';
import { createSseTransport } from '@hexbus/adapter-sse';
import { createWsTransport } from '@hexbus/adapter-ws';
import type { Bus } from '@hexbus/core';
import { createGateway, type Gateway, type Identity } from '@hexbus/core/gateway';
import { userOf } from '../shared/users.ts';
import type { Cables } from './cables.ts';
import { type Events, followedTopics } from './topics.ts';

export interface GatewayParts {
  readonly server: Server;
  readonly cables: Cables;
  readonly resumeKey: Uint8Array;
}

/** The gateway of the switchboard, whose transports are guests of the web server. */
export function createSwitchboardGateway(bus: Bus<Events>, { server, cables, resumeKey }: GatewayParts): Gateway {
  const transports = [createWsTransport({ server }), createSseTransport({ server })];
  return createGateway(bus, {
    transports: transports.map((transport) => cables.lead(transport)),
    authenticateToken: identityOf,
    authorize: ({ action, topic }) => action === 'subscribe' && followedTopics.has(topic),
    resumeKey,
    timings: { resumeWindowMs: 60_000, drainMs: 2_000, userCursorMs: 200 },
  });
}

/** A real program checks a token here. This one believes everybody. */
function identityOf(token: string): Identity | null {
  const user = userOf(token);
  return user === undefined ? null : { userId: user.id, capabilities: user.permitted };
}
