import type { MessageSource, SourceHandler, SourceMessage } from '@hexbus/core';

/** A source whose messages the test hands over. */
export interface FakeSource extends MessageSource {
  /** How many handlers are attached. */
  readonly handlers: number;
  /** Hands a message to the handlers of a type. Resolves or rejects as the first of them does. */
  give(type: string, message: SourceMessage): Promise<void>;
  /** The same for a body and an id. */
  say(type: string, body: unknown, id?: string): Promise<void>;
}

export function createFakeSource(): FakeSource {
  const handlers = new Map<string, SourceHandler[]>();
  const give = (type: string, message: SourceMessage): Promise<void> => {
    const [first, ...others] = (handlers.get(type) ?? []).map((handler) => handler(message));
    for (const other of others) other.catch(() => undefined);
    return first ?? Promise.reject(new Error(`nobody takes ${type}`));
  };
  return {
    get handlers() {
      return [...handlers.values()].flat().length;
    },
    on(type, handler) {
      handlers.set(type, [...(handlers.get(type) ?? []), handler]);
      return () =>
        handlers.set(
          type,
          (handlers.get(type) ?? []).filter((one) => one !== handler),
        );
    },
    give,
    say: (type, body, id) => give(type, id === undefined ? { body } : { body, id }),
  };
}
