/** What these properties look at, in one module, so that a mutant of any of it is a bundle of this. */
export { createBus } from '../../../src/bus/bus.ts';
export { createGateway } from '../../../src/gateway/gateway.ts';
export { createMemoryRegistry } from '../../../src/gateway/nodes/memory-registry.ts';
