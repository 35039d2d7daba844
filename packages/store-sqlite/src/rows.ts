import type { StoredMessage } from '@hexbus/core';
import { prepareArrays, type SqliteDatabase } from './driver.ts';

/** Above every position. */
export const afterAll: number = Number.MAX_SAFE_INTEGER;

/** Where a message stands, and the number of its topic. */
export type Place = readonly [position: number, topicId: number, ...unknown[]];

/** A row of one of the two tables of messages. Only dead messages have a reason. */
export type Row = readonly [
  position: number,
  topicId: number,
  time: number,
  id: string,
  type: string | null,
  body: string,
  attributes: string | null,
  reason?: string,
];

/** `up`: what follows a position, oldest first. `down`: what precedes it, newest first. */
export type Direction = 'up' | 'down';

/** The queries on a table of messages, in one direction. Each starts behind a position and returns at most `limit`. */
export class Rows {
  readonly all: (position: number, limit: number) => Row[];
  readonly ofTopic: (topicId: number, position: number, limit: number) => Row[];
  readonly places: (position: number, limit: number) => Place[];
  readonly placesOfTopic: (topicId: number, position: number, limit: number) => Place[];
  readonly #at: (position: number) => Row[];

  constructor(database: SqliteDatabase, table: 'messages' | 'dead_messages', direction: Direction) {
    const columns = `position, topic_id, time, id, type, body, attributes${table === 'messages' ? '' : ', reason'}`;
    const behind = direction === 'up' ? 'position > ?' : 'position < ?';
    const order = `ORDER BY position ${direction === 'up' ? 'ASC' : 'DESC'} LIMIT ?`;
    const byTopic = `FROM ${table} INDEXED BY ${table}_by_topic WHERE topic_id = ? AND ${behind} ${order}`;
    const prepare = <Found>(sql: string) => prepareArrays(database, sql) as (...values: number[]) => Found[];
    this.all = prepare(`SELECT ${columns} FROM ${table} WHERE ${behind} ${order}`);
    this.ofTopic = prepare(`SELECT ${columns} ${byTopic}`);
    this.places = prepare(`SELECT position, topic_id FROM ${table} WHERE ${behind} ${order}`);
    this.placesOfTopic = prepare(`SELECT position, topic_id ${byTopic}`);
    this.#at = prepare(`SELECT ${columns} FROM ${table} WHERE position = ?`);
  }

  /** The row of a position that is there. */
  at(position: number): Row {
    return this.#at(position)[0] as Row;
  }
}

/** Without spreads: a message is made for every row, and they would be most of its cost. */
export function messageOf([position, , time, id, type, body, attributes]: Row, topic: string): StoredMessage {
  if (type === null) {
    if (attributes === null) return { position, topic, id, time, body };
    return { position, topic, id, time, body, attributes };
  }
  if (attributes === null) return { position, topic, id, time, type, body };
  return { position, topic, id, time, type, body, attributes };
}
