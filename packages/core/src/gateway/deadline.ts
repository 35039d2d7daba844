import type { CancelTimer, Clock } from '../clock.ts';

/**
 * Runs `judge` when a peer's time is over. After a standstill of the process timers run before what came meanwhile is read, so it runs one turn
 * behind its timer, when that has been read. Cancelled until then, it does not run.
 */
export function setDeadline(clock: Clock, judge: () => void, delayMs: number): CancelTimer {
  let cancelled = false;
  const judgeUnlessCancelled = (): void => {
    if (!cancelled) judge();
  };
  const cancelTimer = clock.setTimer(() => clock.nextTurn(judgeUnlessCancelled), delayMs);
  return () => {
    cancelled = true;
    cancelTimer();
  };
}
