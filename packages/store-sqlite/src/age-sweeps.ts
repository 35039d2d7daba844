import type { RetentionPolicies } from '@hexbus/core';
import type { SqliteDatabase, SqliteStatement } from './driver.ts';

/** How far a sweep gets before the file is told: what a later opening looks at twice at most. */
const storedEvery = 1000;

/** How many rows are looked at in one query. */
const rowsAtOnce = 1000;

interface Sweep {
  readonly maxAgeMs: number;
  through: number;
  stored: number;
  /** Nothing behind `through` has an earlier time. */
  notBefore: number;
}

export interface AgedRow {
  readonly position: number;
  readonly topicId: number;
}

interface Row extends AgedRow {
  readonly time: number;
}

/**
 * Finds messages older than a limit. Times never fall, so each distinct limit has a place up to which everything was looked at, and no row is
 * looked at twice. The places are kept in the file, and hold as long as the policies stay the same.
 */
export class AgeSweeps {
  readonly #sweeps: Sweep[];
  readonly #next: SqliteStatement;
  readonly #store: SqliteStatement;

  constructor(database: SqliteDatabase, retention: RetentionPolicies) {
    this.#next = database.prepare(
      'SELECT position, topic_id AS topicId, time FROM messages WHERE position > ? ORDER BY position LIMIT ?',
    );
    this.#store = database.prepare('INSERT OR REPLACE INTO age_sweeps VALUES (?, ?)');
    const kept = database.prepare('SELECT through FROM age_sweeps WHERE max_age_ms = ?');
    const limits = new Set(retention.map(({ maxAgeMs }) => maxAgeMs).filter(Number.isFinite));
    this.#sweeps = Array.from(limits, (maxAgeMs) => {
      const through = (kept.get(maxAgeMs) as { through: number } | undefined)?.through ?? 0;
      return { maxAgeMs, through, stored: through, notBefore: -Infinity };
    });
  }

  /** To be called when a message takes an old place again. */
  lookAgainAt(position: number): void {
    for (const sweep of this.#sweeps) {
      sweep.through = Math.min(sweep.through, position - 1);
      sweep.notBefore = -Infinity;
    }
  }

  /** Hands each limit's rows that have grown too old to `remove`, in portions; it has to leave those alone that have another limit. */
  run(now: number, remove: (rows: readonly AgedRow[], maxAgeMs: number) => void): void {
    for (const sweep of this.#sweeps) {
      const oldest = now - sweep.maxAgeMs;
      for (let more = sweep.notBefore < oldest; more; ) {
        const rows = this.#next.all(sweep.through, rowsAtOnce) as Row[];
        const young = rows.find(({ time }) => time >= oldest);
        const aged = young === undefined ? rows : rows.slice(0, rows.indexOf(young));
        if (aged.length > 0) remove(aged, sweep.maxAgeMs);
        sweep.through = aged.at(-1)?.position ?? sweep.through;
        sweep.notBefore = young?.time ?? -Infinity;
        more = aged.length === rowsAtOnce;
      }
      this.#keep(sweep);
    }
  }

  #keep(sweep: Sweep): void {
    if (sweep.through >= sweep.stored && sweep.through < sweep.stored + storedEvery) return;
    this.#store.run(sweep.maxAgeMs, sweep.through);
    sweep.stored = sweep.through;
  }
}
