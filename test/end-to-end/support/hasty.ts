import type { ClientOptions } from '@hexbus/client';

/** Of a client that comes back at once, and acknowledges often. */
export const hasty: NonNullable<ClientOptions['timings']> = {
  reconnectDelayMs: 2,
  maxReconnectDelayMs: 20,
  acknowledgeMs: 5,
  closeTimeoutMs: 5_000,
};
