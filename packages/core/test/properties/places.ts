import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock, HistoryStore, Randomness } from '@hexbus/core';
import { createMemoryHistory } from '@hexbus/store-memory';
import { createSqliteHistory } from '@hexbus/store-sqlite';
import { emptyData, MinimalHistory } from '../../../testkit/test/minimal-history.ts';

/** Where the history of one run lies. It outlives the program that has it open. */
export interface Place {
  readonly durable: boolean;
  /** A new store on this place. */
  create(clock: Clock): HistoryStore;
  /** The program that had `store` is gone. */
  leave(store: HistoryStore): void;
  /** Somebody empties the history while it is open; returns its new epoch. Undefined where nobody could. */
  readonly wipe: (() => string) | undefined;
  /** Somebody removes the oldest messages of a stream; returns up to which position. Undefined where nobody could. */
  readonly trim: ((topic: string, count: number) => number) | undefined;
  remove(): void;
}

export type PlaceMaker = (randomness: Randomness) => Place;

/** The simulated durable history: the plain one of the test kit, whose data outlive it. */
export const simulatedPlace: PlaceMaker = (randomness) => {
  const data = emptyData(randomness.id());
  return {
    durable: true,
    create: (clock) => new MinimalHistory(clock, randomness, data),
    leave: () => undefined,
    wipe: () => {
      Object.assign(data, { ...emptyData(randomness.id()), cursors: data.cursors, lastTime: data.lastTime });
      return data.epoch;
    },
    trim: (topic, count) => {
      const gone = data.rows.filter(({ message }) => message.topic === topic).slice(0, count);
      const through = gone.at(-1)?.message.position ?? 0;
      data.rows = data.rows.filter((row) => !gone.includes(row));
      if (through > 0) data.marks.set(topic, through);
      return through;
    },
    remove: () => undefined,
  };
};

/** A history in memory is gone with the program that had it. */
export const memoryPlace: PlaceMaker = (randomness) => ({
  durable: false,
  create: (clock) => createMemoryHistory({ clock, randomness }),
  leave: () => undefined,
  wipe: undefined,
  trim: undefined,
  remove: () => undefined,
});

export const sqlitePlace: PlaceMaker = (randomness) => {
  const directory = mkdtempSync(join(tmpdir(), 'hexbus-properties-'));
  const file = join(directory, 'history.db');
  return {
    durable: true,
    create: (clock) => createSqliteHistory({ file, clock, randomness }),
    // Nothing is written by it: each batch was one committed transaction. It only frees the lock, as the end of a process does.
    leave: (store) => void store.close(),
    wipe: undefined,
    trim: undefined,
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
};

/** SQLite comes with Node from 22.13 on. */
export const hasSqlite: boolean = process.getBuiltinModule?.('node:sqlite') !== undefined;
