import { closeSync, openSync, writeSync } from 'node:fs';
import type { Bus, Cursor, Message, Subscription } from '@hexbus/core';
import type { Events, Note, RecordTopic } from './topics.ts';

export interface ListenerOptions {
  /** Where to append the id of each handled record. */
  readonly log: string | undefined;
  readonly stopAfter: number;
  /** Stops the listener. */
  readonly signal: AbortSignal;
  onRecord(message: Message<unknown, RecordTopic>, handled: number): void;
  onNote(message: Message<Note, 'note'>): void;
}

export interface Listener {
  readonly records: Subscription;
  /** Where it goes on; undefined if it was stopped before it knew. */
  readonly start: Promise<Cursor | undefined>;
  /** Records handled at this start. */
  handled(): number;
  /** Resolves when everything published so far is handled, or the listener has stopped. */
  caughtUp(): Promise<void>;
  /** Resolves when the running handlers have ended and the history knows how far they came. */
  stop(): Promise<void>;
}

/** The module that everything waits for. */
export function loadListener(bus: Bus<Events>, options: ListenerOptions): Listener {
  const { signal } = options;
  const log = options.log === undefined ? undefined : openSync(options.log, 'a');
  let handled = 0;

  // A durable subscription: the history keeps its cursor by this name, so that the next start goes on where this one stops.
  const records = bus.subscribe(
    'record.>',
    (message) => {
      // Written before the handler returns: a record is never counted as handled and missing in the log, whenever the process is killed.
      if (log !== undefined) writeSync(log, `${message.id}\n`);
      handled += 1;
      options.onRecord(message, handled);
      if (handled >= options.stopAfter) records.unsubscribe();
    },
    { name: 'quickstart', from: 'earliest', onFailure: 'stop', signal },
  );

  // A held topic: its messages wait until now, also from one start to the next, and are removed as they are handled.
  const notes = bus.subscribe('note', (message) => options.onNote(message), { signal });

  return {
    records,
    start: records.ready.then(
      (resolved) => resolved?.start,
      () => undefined,
    ),
    handled: () => handled,
    async caughtUp() {
      await Promise.all([records.caughtUp(), notes.caughtUp()]);
      if (records.state === 'failed') throw records.error;
    },
    async stop() {
      records.unsubscribe();
      notes.unsubscribe();
      await Promise.all([records.done, notes.done]);
      if (log !== undefined) closeSync(log);
    },
  };
}
