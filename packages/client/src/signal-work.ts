import { HexbusError } from '@hexbus/core/wire';
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
      try {
        await callback();
      } catch (cause) {
        observers.tell('error', { error: new HexbusError('HEXBUS_HANDLER_FAILED', `${name} threw`, { cause }) });
      }
      return true;
    },
    settle,
  };
}
