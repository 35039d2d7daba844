import {
  type Filter,
  isPattern,
  patternsOverlap,
  type RetentionLookup,
  type TopicMatcher,
  type TrimMark,
} from '@hexbus/core';
import type { Journal } from './journal.ts';

/** How many topics without messages keep a mark of their own. */
const maxEmptyTopics = 1_000;

/** What a head needs, in characters, to tell that the mark of a topic has changed, and perhaps that of its pattern. */
export function listedLength(topic: string): number {
  return JSON.stringify(topic).length + 40;
}

/**
 * Up to where limits removed messages, by topic. Those of many empty topics become one mark under the pattern of their policy, which then stands
 * for every topic under it.
 */
export class Marks {
  readonly #retention: RetentionLookup;
  readonly #marks: Map<string, number>;
  readonly #withMessages: Pick<ReadonlyMap<string, unknown>, 'has'>;
  readonly #keep: (topic: string, through: number | undefined) => void;

  /** `withMessages`: the topics that have any, at any time. `keep` is told of each change. */
  constructor(
    retention: RetentionLookup,
    marks: ReadonlyMap<string, number>,
    withMessages: Pick<ReadonlyMap<string, unknown>, 'has'>,
    keep: (topic: string, through: number | undefined) => void,
  ) {
    this.#retention = retention;
    this.#marks = new Map(marks);
    this.#withMessages = withMessages;
    this.#keep = keep;
  }

  has(topic: string): boolean {
    return this.#marks.has(topic);
  }

  raise(topic: string, position: number): void {
    if (position <= (this.#marks.get(topic) ?? 0)) return;
    this.#marks.set(topic, position);
    this.#keep(topic, position);
  }

  /**
   * Keeps the number of marks bounded: those of empty topics are merged, the lowest first, as far as the journal has
   * room for what is told of them. Where more have to be, it yields: what was done is to be committed, and then there is room again.
   */
  *merge(journal: Pick<Journal, 'room'>): Generator<void> {
    if (this.#marks.size <= maxEmptyTopics) return;
    const lowestFirst = [...this.#marks]
      .map(([topic, through]) => [topic, through, this.#retention.policyOf(topic)?.pattern ?? topic] as const)
      .filter(([topic, , pattern]) => pattern !== topic && !isPattern(topic) && !this.#withMessages.has(topic))
      .sort(([, a], [, b]) => a - b);
    let count = lowestFirst.length;
    if (count <= maxEmptyTopics) return;
    let left = journal.room;
    for (const [topic, through, pattern] of lowestFirst) {
      const length = listedLength(topic);
      for (; left < length; left = journal.room) {
        if (count <= maxEmptyTopics) return;
        yield;
      }
      left -= length;
      count -= 1;
      this.#marks.delete(topic);
      this.#keep(topic, undefined);
      this.raise(pattern, through);
    }
  }

  /** To be called when a topic gets its first message: from then on its own mark tells all that it lost. */
  inherit(topic: string): void {
    for (const [pattern, through] of this.#marks) {
      if (isPattern(pattern) && patternsOverlap(pattern, topic)) this.raise(topic, through);
    }
  }

  /** The marks above a position that a reader of the filter has to know. */
  above(position: number, filter: Filter, matcher: TopicMatcher): TrimMark[] {
    const speaksForItself = (topic: string): boolean => this.#marks.has(topic) || this.#withMessages.has(topic);
    const concerns = (topic: string): boolean => {
      if (!isPattern(topic)) return matcher.matches(topic);
      // A pattern in place of a topic finds the policy that the topics under it have.
      const isHeld = this.#retention.isHeld(topic);
      return filter.some(
        (entry) => patternsOverlap(topic, entry) && !(isPattern(entry) ? isHeld : speaksForItself(entry)),
      );
    };
    return [...this.#marks]
      .map(([topic, through]) => ({ topic, through }))
      .filter(({ topic, through }) => through > position && concerns(topic));
  }
}
