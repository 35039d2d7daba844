import type { CancelTimer, Clock } from './clock.ts';

/** Waits for work that should end, and keeps the process alive meanwhile. Tells whether it ended within `timeoutMs`. Rejects as the work does. */
export async function endsInTime(
  clock: Clock,
  work: Promise<unknown> | undefined,
  timeoutMs: number,
): Promise<boolean> {
  let cancelTimer: CancelTimer | undefined;
  const late = new Promise<'late'>((resolve) => {
    if (timeoutMs !== Infinity) cancelTimer = clock.setTimer(() => resolve('late'), timeoutMs, true);
  });
  try {
    return (await Promise.race([work, late])) !== 'late';
  } finally {
    cancelTimer?.();
  }
}
