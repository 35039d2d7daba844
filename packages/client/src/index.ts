export type {
  Client,
  ClientGap,
  ClientOnOptions,
  ClientPublishOptions,
  ClientRequestHandler,
  ClientSubscribeOptions,
  ClientSubscription,
} from './api.ts';
export type { TransportChoice, TransportOptions } from './choose-link.ts';
export { createClient } from './client.ts';
export type { ClientObserverEvents } from './observers.ts';
export type { ClientLimits, ClientOptions, ClientTimings } from './options.ts';
export { clientDefaults } from './options.ts';
export type { SavedSession, SessionStore } from './session.ts';
export type { FetchLike } from './sse-link.ts';
export type { WebSocketConstructor, WebSocketLike } from './ws-link.ts';
