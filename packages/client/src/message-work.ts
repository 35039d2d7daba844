import type { Message } from '@hexbus/core';
import { type HandlerRunner, HexbusError, shorten } from '@hexbus/core/wire';
import type { ClientObservers } from './observers.ts';
import type { Work } from './pump.ts';

/** Hands one message to its handlers, each with its own tries, all at the same time. One that fails for good is told and skipped. */
export function messageWork(
  message: Message,
  size: number,
  runners: () => readonly HandlerRunner[],
  observers: ClientObservers,
  settle: () => void,
): Work {
  return {
    size,
    perishable: false,
    async run() {
      const outcomes = await Promise.all(runners().map((runner) => runner.run(message)));
      for (const outcome of outcomes) {
        if (outcome.status === 'failed') observers.tell('error', handlerFailure(message, outcome.error));
      }
      return outcomes.length > 0 && outcomes.every(({ status }) => status !== 'abandoned');
    },
    settle,
  };
}

/** What the `error` observer is told of a handler that failed in its last try. */
export function handlerFailure(
  { topic, id }: Message,
  cause: unknown,
): { readonly error: HexbusError; readonly topic: string; readonly messageId: string } {
  const error = new HexbusError('HEXBUS_HANDLER_FAILED', `the handler of ${shorten(topic)} failed in its last try`, {
    cause,
  });
  return { error, topic, messageId: id };
}
