import type { StoredMessage } from '@hexbus/core';
import type { SqliteDatabase, SqliteStatement } from './driver.ts';

/** Above every position. */
export const afterAll: number = Number.MAX_SAFE_INTEGER;

/** A row of one of the two tables of messages. */
export interface Row {
  readonly position: number;
  readonly topic_id: number;
  readonly time: number;
  readonly id: string;
  readonly type: string | null;
  readonly body: string;
  readonly attributes: string | null;
  /** Of dead messages only. */
  readonly reason?: string;
}

export interface Place {
  readonly position: number;
  readonly topic_id: number;
}

/** `up`: what follows a position, oldest first. `down`: what precedes it, newest first. */
export type Direction = 'up' | 'down';

/** The queries on a table of messages, in one direction. Each starts behind a position and returns at most `limit`. */
export class Rows {
  readonly #all: SqliteStatement;
  readonly #ofTopic: SqliteStatement;
  readonly #places: SqliteStatement;
  readonly #placesOfTopic: SqliteStatement;
  readonly #at: SqliteStatement;

  constructor(database: SqliteDatabase, table: 'messages' | 'dead_messages', direction: Direction) {
    const columns = `position, topic_id, time, id, type, body, attributes${table === 'messages' ? '' : ', reason'}`;
    const behind = direction === 'up' ? 'position > ?' : 'position < ?';
    const order = `ORDER BY position ${direction === 'up' ? 'ASC' : 'DESC'} LIMIT ?`;
    const byTopic = `FROM ${table} INDEXED BY ${table}_by_topic WHERE topic_id = ? AND ${behind} ${order}`;
    this.#all = database.prepare(`SELECT ${columns} FROM ${table} WHERE ${behind} ${order}`);
    this.#ofTopic = database.prepare(`SELECT ${columns} ${byTopic}`);
    this.#places = database.prepare(`SELECT position, topic_id FROM ${table} WHERE ${behind} ${order}`);
    this.#placesOfTopic = database.prepare(`SELECT position, topic_id ${byTopic}`);
    this.#at = database.prepare(`SELECT ${columns} FROM ${table} WHERE position = ?`);
  }

  all(position: number, limit: number): Row[] {
    return this.#all.all(position, limit) as Row[];
  }

  ofTopic(topicId: number, position: number, limit: number): Row[] {
    return this.#ofTopic.all(topicId, position, limit) as Row[];
  }

  places(position: number, limit: number): Place[] {
    return this.#places.all(position, limit) as Place[];
  }

  placesOfTopic(topicId: number, position: number, limit: number): Place[] {
    return this.#placesOfTopic.all(topicId, position, limit) as Place[];
  }

  at(position: number): Row {
    return this.#at.get(position) as Row;
  }
}

export function messageOf(row: Row, topic: string): StoredMessage {
  const { position, id, time, type, body, attributes } = row;
  return {
    position,
    topic,
    id,
    time,
    ...(type === null ? {} : { type }),
    body,
    ...(attributes === null ? {} : { attributes }),
  };
}
