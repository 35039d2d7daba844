export { createSeededRandomness } from './fakes/seeded-randomness.ts';
export type { VirtualClock, VirtualClockOptions } from './fakes/virtual-clock.ts';
export { createVirtualClock } from './fakes/virtual-clock.ts';
