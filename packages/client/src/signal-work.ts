import { attempt, HexbusError } from '@hexbus/core/wire';
import type { ClientObservers } from './observers.ts';
import type { Work } from './pump.ts';

/** A callback of the program, called between two messages. One that throws is told and disturbs nothing. */
export function signalWork(
  name: string,
  callback: () => unknown,
  observers: ClientObservers,
  settle: () => void,
): Work {
  return {
    size: 0,
    perishable: false,
    async run() {
      const failed = (cause: unknown): void =>
        observers.tell('error', { error: new HexbusError('HEXBUS_HANDLER_FAILED', `${name} threw`, { cause }) });
      // Not awaited: a promise that never settles must not stop the messages behind it.
      attempt(callback, failed);
      return true;
    },
    settle,
  };
}
