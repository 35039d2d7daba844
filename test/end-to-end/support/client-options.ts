import type { ClientOptions } from '@hexbus/client';
import { WebSocket } from 'ws';
import type { Via } from './via.ts';

/** Of a client that comes back at once, and acknowledges often. */
export const hasty: NonNullable<ClientOptions['timings']> = {
  reconnectDelayMs: 2,
  maxReconnectDelayMs: 20,
  acknowledgeMs: 5,
  closeTimeoutMs: 5_000,
};

/** The transport line, and nothing else that depends on it. */
export function optionsVia(via: Via, port: number): ClientOptions {
  return { url: `http://127.0.0.1:${port}/hexbus`, transport: via, WebSocket, timings: hasty };
}
