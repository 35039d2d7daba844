import type { Clock } from '../../clock.ts';

/** Resolves when the work is done, or else after `ms`, which keep a closing process alive. Rejects as the work does by then. */
export function within(clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = clock.setTimer(resolve, ms, true);
    work.then(() => resolve(), reject).finally(cancel);
  });
}
