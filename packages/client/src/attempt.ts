/** Calls what must disturb nothing. What it throws is told, and the rejection of a promise that it returns, which is not awaited. */
export function attempt(callback: () => unknown, failed: (cause: unknown) => void): void {
  try {
    const returned = callback();
    if (returned instanceof Promise) returned.catch(failed);
  } catch (cause) {
    failed(cause);
  }
}
