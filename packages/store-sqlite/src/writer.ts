import type {
  AppendResult,
  DroppedMessage,
  NamedCursor,
  NewMessage,
  OpenHistoryOptions,
  RetentionLookup,
  RetentionPolicies,
  Settlement,
  WriteBatch,
} from '@hexbus/core';
import { type AgedRow, AgeSweeps } from './age-sweeps.ts';
import type { SqliteDatabase, SqliteStatement } from './driver.ts';
import type { HeadRow } from './head-row.ts';
import { RememberedIds } from './remembered-ids.ts';
import type { Topic, Topics } from './topics.ts';

/** What a batch came to. */
export interface BatchResult {
  readonly appended: readonly AppendResult[];
  readonly settled: readonly boolean[];
  readonly dropped: readonly DroppedMessage[];
}

/** Carries out batches. What it knows in memory agrees with the file as long as no transaction fails; after that, make a new one. */
export class Writer {
  readonly #head: HeadRow;
  readonly #topics: Topics;
  readonly #retention: RetentionLookup;
  readonly #ids: RememberedIds;
  readonly #sweeps: AgeSweeps;
  readonly #sql: Statements;
  /** What the present batch may have brought above its `maxCount`. */
  readonly #grown = new Set<Topic>();
  /** Until the first write under other policies than the file's is done. */
  #changedPolicies: RetentionPolicies | undefined;
  /** What the present batch removed messages of. */
  readonly #shrunk = new Set<Topic>();
  #highestRemoved = 0;

  constructor(
    database: SqliteDatabase,
    head: HeadRow,
    topics: Topics,
    retention: RetentionLookup,
    options: OpenHistoryOptions,
  ) {
    this.#head = head;
    this.#topics = topics;
    this.#retention = retention;
    this.#ids = new RememberedIds(database, options.deduplication);
    this.#sweeps = new AgeSweeps(database, options.retention);
    this.#sql = prepareStatements(database);
    const { policies } = this.#sql.policies.get() as { policies: string };
    if (policies !== JSON.stringify(options.retention)) this.#changedPolicies = options.retention;
  }

  /** Settles, appends, keeps cursors and trims, in this order. To be called inside a transaction. */
  apply(batch: WriteBatch, clockNow: number): BatchResult {
    this.#topics.forgetOld();
    const now = Math.max(this.#head.time, clockNow);
    const settled = batch.settle.map((settlement) => this.#settle(settlement));
    const appended = batch.append.map((message) => this.#append(message, now));
    for (const cursor of batch.commitCursors) this.#keepCursor(cursor);
    for (const name of batch.deleteCursors) this.#sql.deleteCursor.run(name);
    const dropped: DroppedMessage[] = [];
    if (this.#changedPolicies !== undefined) this.#adopt(this.#changedPolicies);
    this.#trimGrown(dropped);
    this.#sweeps.run(now, (rows, maxAgeMs) => this.#trimAged(rows, maxAgeMs, dropped));
    this.#tidy();
    return { appended, settled, dropped: dropped.sort((a, b) => a.position - b.position) };
  }

  #settle(settlement: Settlement): boolean {
    const { topic: name, position } = settlement;
    const topic = this.#topics.find(name);
    if (topic === undefined) return false;
    const ofDead = settlement.outcome === 'requeue' || settlement.outcome === 'discard';
    if (!ofDead && topic.policy?.kind !== 'until-handled') return false;
    const { moveToDead, moveToLive, deleteLive, deleteDead } = this.#sql;
    if (settlement.outcome === 'dead') moveToDead.run(settlement.reason, position, topic.id);
    if (settlement.outcome === 'requeue') moveToLive.run(position, topic.id);
    const { changes } = (ofDead ? deleteDead : deleteLive).run(position, topic.id);
    if (Number(changes) === 0) return false;
    if (settlement.outcome === 'requeue') {
      this.#grown.add(topic);
      this.#sweeps.lookAgainAt(position);
      this.#topics.countChanged(topic, 1);
    } else if (!ofDead) this.#topics.countChanged(topic, -1);
    if (settlement.outcome === 'handled' || settlement.outcome === 'discard') this.#noteRemoved(topic, position);
    return true;
  }

  #append(message: NewMessage, now: number): AppendResult {
    const { topic: name, id, type, body, attributes } = message;
    const first = message.deduplicate ? this.#ids.find(name, id, now) : undefined;
    if (first !== undefined) return { status: 'duplicate', position: first.position, time: first.time };
    if (this.#isFull(name)) return { status: 'refused', reason: 'topic-full' };
    const topic = this.#topics.obtain(name);
    const position = this.#head.position + 1;
    this.#sql.insert.run(position, topic.id, now, id, type ?? null, body, attributes ?? null);
    this.#head.moveTo(position, now);
    this.#topics.countChanged(topic, 1);
    this.#grown.add(topic);
    if (message.deduplicate) this.#ids.add({ topic: name, id, position, time: now });
    return { status: 'appended', position, time: now };
  }

  #isFull(name: string): boolean {
    const topic = this.#topics.find(name);
    const policy = topic === undefined ? this.#retention.policyOf(name) : topic.policy;
    if (policy?.kind !== 'until-handled' || policy.overflow !== 'reject' || policy.maxCount === Infinity) return false;
    return (topic === undefined ? 0 : this.#topics.countOf(topic)) >= policy.maxCount;
  }

  #keepCursor({ name, epoch, position, filter }: NamedCursor): void {
    this.#sql.keepCursor.run(name, epoch, position, JSON.stringify(filter));
  }

  /** Messages were kept by other policies: every topic may be above its `maxCount` now. */
  #adopt(policies: RetentionPolicies): void {
    const least = Math.min(...policies.map(({ maxCount }) => maxCount));
    const crowded = Number.isFinite(least) ? (this.#sql.crowded.all(least) as { topic_id: number }[]) : [];
    for (const { topic_id } of crowded) {
      const topic = this.#topics.byId(topic_id);
      if (topic !== undefined) this.#grown.add(topic);
    }
    this.#sql.keepPolicies.run(JSON.stringify(policies));
    this.#changedPolicies = undefined;
  }

  #trimGrown(dropped: DroppedMessage[]): void {
    for (const topic of this.#grown) {
      const { policy } = topic;
      if (policy === undefined || policy.maxCount === Infinity) continue;
      if (policy.kind === 'until-handled' && policy.overflow === 'reject') continue;
      const excess = this.#topics.countOf(topic) - policy.maxCount;
      if (excess <= 0) continue;
      const { position } = this.#sql.nth.get(topic.id, excess - 1) as { position: number };
      this.#trim(topic, position, dropped);
    }
    this.#grown.clear();
  }

  #trimAged(rows: readonly AgedRow[], maxAgeMs: number, dropped: DroppedMessage[]): void {
    const last = new Map<number, number>();
    for (const { topicId, position } of rows) last.set(topicId, position);
    for (const [topicId, position] of last) {
      const topic = this.#topics.byId(topicId);
      if (topic?.policy?.maxAgeMs === maxAgeMs) this.#trim(topic, position, dropped);
    }
  }

  /** Removes what is live of a topic up to a position, by a limit. */
  #trim(topic: Topic, through: number, dropped: DroppedMessage[]): void {
    if (topic.policy?.kind === 'until-handled') {
      const rows = this.#sql.idsThrough.all(topic.id, through) as { position: number; id: string }[];
      for (const { position, id } of rows) dropped.push({ topic: topic.name, position, id });
    }
    const { changes } = this.#sql.deleteThrough.run(topic.id, through);
    this.#topics.countChanged(topic, -Number(changes));
    this.#topics.raiseMark(topic, through);
    this.#noteRemoved(topic, through);
  }

  #noteRemoved(topic: Topic, position: number): void {
    this.#shrunk.add(topic);
    this.#highestRemoved = Math.max(this.#highestRemoved, position);
  }

  #tidy(): void {
    for (const topic of this.#shrunk) this.#topics.shrunk(topic);
    this.#shrunk.clear();
    if (this.#highestRemoved === this.#head.position) this.#head.store();
    this.#highestRemoved = 0;
    this.#ids.tidy();
    this.#topics.tidy();
  }
}

type Statements = ReturnType<typeof prepareStatements>;

function prepareStatements(database: SqliteDatabase) {
  const columns = 'position, topic_id, time, id, type, body, attributes';
  const prepare = (sql: string): SqliteStatement => database.prepare(sql);
  return {
    insert: prepare(`INSERT INTO messages (${columns}) VALUES (?, ?, ?, ?, ?, ?, ?)`),
    deleteLive: prepare('DELETE FROM messages WHERE position = ? AND topic_id = ?'),
    deleteDead: prepare('DELETE FROM dead_messages WHERE position = ? AND topic_id = ?'),
    moveToDead: prepare(
      `INSERT INTO dead_messages (${columns}, reason) SELECT ${columns}, ? FROM messages WHERE position = ? AND topic_id = ?`,
    ),
    moveToLive: prepare(
      `INSERT INTO messages (${columns}) SELECT ${columns} FROM dead_messages WHERE position = ? AND topic_id = ?`,
    ),
    policies: prepare('SELECT policies FROM history'),
    keepPolicies: prepare('UPDATE history SET policies = ?'),
    crowded: prepare('SELECT topic_id FROM messages GROUP BY topic_id HAVING COUNT(*) > ?'),
    nth: prepare('SELECT position FROM messages WHERE topic_id = ? ORDER BY position LIMIT 1 OFFSET ?'),
    idsThrough: prepare('SELECT position, id FROM messages WHERE topic_id = ? AND position <= ? ORDER BY position'),
    deleteThrough: prepare('DELETE FROM messages WHERE topic_id = ? AND position <= ?'),
    keepCursor: prepare('INSERT OR REPLACE INTO cursors (name, epoch, position, filter) VALUES (?, ?, ?, ?)'),
    deleteCursor: prepare('DELETE FROM cursors WHERE name = ?'),
  };
}
