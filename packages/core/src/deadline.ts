import type { CancelTimer, Clock } from './clock.ts';

/**
 * A timer for what acts on something that did not come; none for `Infinity`. Runs in the turn after it is due, unless it was cancelled until then: after a
 * standstill, Node runs timers before it reads what has arrived meanwhile.
 */
export function setDeadline(
  clock: Clock,
  callback: () => void,
  delayMs: number,
  keepAlive?: boolean,
): CancelTimer | undefined {
  if (delayMs === Infinity) return undefined;
  let judge = callback;
  const cancelTimer = clock.setTimer(() => clock.nextTurn(() => judge()), delayMs, keepAlive);
  return () => {
    judge = () => undefined;
    cancelTimer();
  };
}
