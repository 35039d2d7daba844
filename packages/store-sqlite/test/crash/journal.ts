import { existsSync, readFileSync } from 'node:fs';

/**
 * What the publisher writes down, each entry before it goes on, in a file that outlives it:
 * `tried` before it publishes, `resolved` when the promise did; `start` and `end` of a call of the durable subscription;
 * `job-start`, `job-end` and `job-failed` of a call of the listener of the held topic; `handled`, `dead` and `dropped` as the bus tells its observers.
 */
export type EntryKind =
  | 'run'
  | 'tried'
  | 'resolved'
  | 'start'
  | 'end'
  | 'job-start'
  | 'job-end'
  | 'job-failed'
  | 'handled'
  | 'dead'
  | 'dropped';

export interface Entry {
  readonly kind: EntryKind;
  readonly topic: string;
  /** 0 where none is known yet. */
  readonly position: number;
  readonly id: string;
}

export function entryText({ kind, topic, position, id }: Entry): string {
  return `${kind} ${topic} ${position} ${id}\n`;
}

export class Journal {
  readonly entries: readonly Entry[];

  constructor(file: string) {
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    // What stands behind the last line end was not written to its end, so the publisher did not go on from it.
    const lines = text.split('\n').slice(0, -1);
    this.entries = lines
      .filter((line) => line !== '')
      .map((line) => {
        const [kind, topic = '', position, id = ''] = line.split(' ');
        return { kind: kind as EntryKind, topic, position: Number(position), id };
      });
  }

  positions(kind: EntryKind): number[] {
    return this.entries.filter((entry) => entry.kind === kind).map(({ position }) => position);
  }

  resolved(topic: string): Entry[] {
    return this.entries.filter((entry) => entry.kind === 'resolved' && entry.topic === topic);
  }

  /** The same of the last run only, which is told by its number: one that died early wrote nothing. */
  ofLastRun(run: number, kind: EntryKind): number[] {
    const start = this.entries.findLastIndex((entry) => entry.kind === 'run' && entry.id === String(run));
    return this.entries
      .slice(start < 0 ? this.entries.length : start + 1)
      .filter((entry) => entry.kind === kind)
      .map(({ position }) => position);
  }

  /** In which order ids were tried for the first time. */
  firstTries(): Map<string, number> {
    const order = new Map<string, number>();
    for (const { kind, id } of this.entries) {
      if (kind === 'tried' && !order.has(id)) order.set(id, order.size);
    }
    return order;
  }

  /** What was tried and never resolved, in the order of the first tries. */
  uncertain(): { readonly topic: string; readonly id: string }[] {
    const resolved = new Set(this.entries.filter(({ kind }) => kind === 'resolved').map(({ id }) => id));
    const open = new Map(
      this.entries.filter(({ kind, id }) => kind === 'tried' && !resolved.has(id)).map(({ topic, id }) => [id, topic]),
    );
    return [...open].map(([id, topic]) => ({ topic, id }));
  }
}
