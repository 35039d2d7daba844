/** What these properties look at, in one module, so that a mutant of any of it is a bundle of this. */
export { createBus } from '../../../src/bus/bus.ts';
export { parseFrom, resolveStart } from '../../../src/bus/delivery/start.ts';
export { busInternals } from '../../../src/bus/internals.ts';
export type { RetainedSide } from '../../../src/bus/log/retained-side.ts';
export { Flusher, Outbox } from '../../../src/gateway/connection/outbox.ts';
export { MergedStream } from '../../../src/gateway/stream/merged-stream.ts';
export { parseToken, positionIn } from '../../../src/gateway/stream/token.ts';
export { createHexbusV1 } from '../../../src/protocol/hexbus-v1.ts';
