import {
  type Filter,
  isPattern,
  patternsOverlap,
  type RetentionLookup,
  type TopicMatcher,
  type TrimMark,
} from '@hexbus/core';
import { TopicLog } from './topic-log.ts';

/** How many topics without messages keep a trim mark of their own. */
const maxEmptyTopics = 10_000;

/** The topics that have messages or a trim mark. A topic with neither costs nothing. */
export class Topics {
  readonly #retention: RetentionLookup;
  readonly #logs = new Map<string, TopicLog>();
  readonly #empty = new Set<TopicLog>();
  /** Marks that empty topics gave up, by the pattern of their policy. */
  readonly #merged = new Map<string, number>();
  #highestMark = 0;

  constructor(retention: RetentionLookup) {
    this.#retention = retention;
  }

  get(name: string): TopicLog | undefined {
    return this.#logs.get(name);
  }

  /** The topic's log. A new one counts only once `filled` was called. */
  obtain(name: string): TopicLog {
    return this.#logs.get(name) ?? new TopicLog(name, this.#retention.policyOf(name), this.#mergedMark(name));
  }

  /** To be called before the first message of an empty log. */
  filled(log: TopicLog): void {
    this.#logs.set(log.name, log);
    this.#empty.delete(log);
  }

  /** To be called after the last message of a log is gone. */
  emptied(log: TopicLog): void {
    if (log.mark <= this.#mergedMark(log.name)) {
      this.#logs.delete(log.name);
      this.#empty.delete(log);
    } else this.#empty.add(log);
  }

  raiseMark(log: TopicLog, position: number): void {
    log.mark = Math.max(log.mark, position);
    this.#highestMark = Math.max(this.#highestMark, position);
  }

  /** Keeps the number of marks bounded: the lower half of those of empty topics become one per policy. */
  mergeMarks(): void {
    while (this.#empty.size > maxEmptyTopics) {
      const lowestFirst = [...this.#empty].sort((a, b) => a.mark - b.mark);
      for (const log of lowestFirst.slice(0, lowestFirst.length >>> 1)) {
        const pattern = log.policy?.pattern ?? log.name;
        this.#merged.set(pattern, Math.max(this.#merged.get(pattern) ?? 0, log.mark));
        this.emptied(log);
      }
    }
  }

  /** The marks above a position that a reader of the filter has to know. */
  marksAbove(position: number, filter: Filter, matcher: TopicMatcher): TrimMark[] {
    if (position >= this.#highestMark) return [];
    const marks = new Map<string, number>();
    const note = (topic: string, through: number) => {
      if (through > position) marks.set(topic, through);
    };
    for (const entry of filter) {
      const log = this.#logs.get(entry);
      if (log !== undefined) note(entry, log.mark);
      else this.#noteMerged(entry, note);
    }
    if (filter.some(isPattern)) {
      for (const log of this.#logs.values()) {
        if (log.mark > position && matcher.matches(log.name)) note(log.name, log.mark);
      }
    }
    return Array.from(marks, ([topic, through]) => ({ topic, through }));
  }

  #noteMerged(entry: string, note: (pattern: string, through: number) => void): void {
    for (const [pattern, through] of this.#merged) {
      // A pattern in place of a topic finds the policy that the topics under it have.
      const passedBy = isPattern(entry) && this.#retention.isHeld(pattern);
      if (!passedBy && patternsOverlap(pattern, entry)) note(pattern, through);
    }
  }

  #mergedMark(name: string): number {
    let mark = 0;
    for (const [pattern, through] of this.#merged) {
      if (through > mark && patternsOverlap(pattern, name)) mark = through;
    }
    return mark;
  }
}
