import { createHexbusV1EventSource, type Handshake, type Hello } from '@hexbus/core/gateway';
import { decodeServerFrame } from '@hexbus/core/wire';
import type { ProtocolAdapter } from '@hexbus/testkit';

/** The address of a client that says this, with one start for all of its topics. */
function handshake({ token, resume, lastToken, subscriptions, capabilities }: Hello): Handshake | undefined {
  if (token !== undefined || resume !== undefined || capabilities.length > 0) return undefined;
  const query = new URLSearchParams(subscriptions.map(({ topic }) => ['topic', topic]));
  const from = subscriptions[0]?.from ?? 'now';
  const start = typeof from === 'string' ? { from } : from;
  if (lastToken === undefined) for (const [name, value] of Object.entries(start)) query.set(name, String(value));
  const headers = lastToken === undefined ? {} : { 'last-event-id': lastToken };
  return { transport: 'sse', url: `/hexbus/sse?${query}`, headers, address: '192.0.2.1', protocols: [] };
}

/** The protocol of clients that only listen, as the suite sees it. */
export const eventSource: ProtocolAdapter = {
  name: 'hexbus.v1.eventsource',
  create: () => createHexbusV1EventSource(),
  client: {
    write: () => undefined,
    handshake,
    read: decodeServerFrame,
    carries: ['id', 'type', 'sender', 'headers', 'time', 'position'],
  },
};
