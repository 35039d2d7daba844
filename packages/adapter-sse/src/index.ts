export type { SseRequest, SseResponse } from './http.ts';
export type { ProgramServer, SseTransportOptions } from './options.ts';
export { sseDefaults } from './options.ts';
export type { SseTransport } from './sse-transport.ts';
export { createSseTransport } from './sse-transport.ts';
