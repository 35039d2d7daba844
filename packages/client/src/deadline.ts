import type { CancelTimer, Clock } from '@hexbus/core';

/**
 * A timer for what acts on something that did not come; none for `Infinity`. Runs in the turn after it is due: after a standstill, Node runs timers
 * before it reads what has arrived meanwhile.
 */
export function setDeadline(
  clock: Clock,
  callback: () => void,
  delayMs: number,
  keepAlive?: boolean,
): CancelTimer | undefined {
  if (delayMs === Infinity) return undefined;
  let isOpen = true;
  const judge = (): void => {
    if (isOpen) callback();
  };
  const cancelTimer = clock.setTimer(() => clock.nextTurn(judge), delayMs, keepAlive);
  return () => {
    isOpen = false;
    cancelTimer();
  };
}
