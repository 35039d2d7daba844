import { isThenable } from './bus/checks.ts';
import { HexbusError } from './errors.ts';

/** Calls what must disturb nothing. What it throws is told, and the rejection of a promise that it returns, which is not awaited. */
export function attempt(callback: () => unknown, failed: (cause: unknown) => void): void {
  try {
    const returned = callback();
    if (isThenable(returned)) Promise.resolve(returned).catch(failed);
  } catch (cause) {
    failed(cause);
  }
}

/** What is told of a callback of the program that threw. */
export function callbackFailed(name: string, cause: unknown): HexbusError {
  return new HexbusError('HEXBUS_HANDLER_FAILED', `${name} threw`, { cause });
}
