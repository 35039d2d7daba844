import type { Message } from '@hexbus/core';
import { show } from '../support/check.ts';

/** Writes down what happened, in order, one line each, so that a test compares it with a list of texts. */
export interface EventLog {
  readonly lines: readonly string[];
  note(line: string): void;
  /** A handler for `subscribe` or `on`: notes `name: topic#position body`, then returns, or throws, what `then` does. */
  handler<Result = void>(name: string, then?: (message: Message) => Result): (message: Message) => Result | undefined;
  /** A callback for `observe`, `onGap`, `onReset` and the like: notes `name: topic#position` and the other fields as `key=value`. */
  observer(name: string): (event: object) => void;
  /** The lines since the last call, or since the beginning. */
  take(): string[];
}

export function createEventLog(): EventLog {
  const lines: string[] = [];
  let taken = 0;
  const note = (line: string): void => void lines.push(line);
  return {
    lines,
    note,
    handler: (name, then) => (message) => {
      const type = message.type === undefined ? '' : ` ${message.type}`;
      note(`${name}: ${place(message)}${type} ${show(message.body)}`);
      return then?.(message);
    },
    observer: (name) => (event) => note([`${name}:`, ...fields(event)].join(' ')),
    take() {
      const fresh = lines.slice(taken);
      taken = lines.length;
      return fresh;
    },
  };
}

function place({ topic, position }: { readonly topic: string; readonly position?: unknown }): string {
  return position === undefined ? topic : `${topic}#${position}`;
}

/** Ids are left out: they are random, and the position tells which message it is. */
function fields(event: object): string[] {
  const { topic, position, id: _, ...rest } = event as Record<string, unknown>;
  const others = Object.entries(typeof topic === 'string' || position === undefined ? rest : { position, ...rest })
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${value instanceof Error ? value.message : show(value)}`);
  return typeof topic === 'string' ? [place({ topic, position }), ...others] : others;
}
