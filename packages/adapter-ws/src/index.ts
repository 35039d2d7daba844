export type { ProgramServer, WsTransportOptions } from './options.ts';
export { wsDefaults } from './options.ts';
export type { WsTransport } from './ws-transport.ts';
export { createWsTransport } from './ws-transport.ts';
