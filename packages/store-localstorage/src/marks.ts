import {
  type Filter,
  isPattern,
  patternsOverlap,
  type RetentionLookup,
  type TopicMatcher,
  type TrimMark,
} from '@hexbus/core';

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
  readonly #keep: (topic: string, through: number | undefined) => void;

  /** `keep` is told of each change. */
  constructor(
    retention: RetentionLookup,
    marks: ReadonlyMap<string, number>,
    keep: (topic: string, through: number | undefined) => void,
  ) {
    this.#retention = retention;
    this.#marks = new Map(marks);
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
   * Keeps the number of marks bounded: those of empty topics are merged, the lowest first, as far as what is told of them fits into `room`, in
   * characters. Returns whether few enough are left.
   */
  merge(isEmpty: (topic: string) => boolean, room: number): boolean {
    if (this.#marks.size <= maxEmptyTopics) return true;
    const patternOf = (topic: string): string => this.#retention.policyOf(topic)?.pattern ?? topic;
    const lowestFirst = [...this.#marks]
      .filter(([topic]) => !isPattern(topic) && isEmpty(topic) && patternOf(topic) !== topic)
      .sort(([, a], [, b]) => a - b);
    let count = lowestFirst.length;
    if (count <= maxEmptyTopics) return true;
    let left = room;
    for (const [topic, through] of lowestFirst) {
      left -= listedLength(topic);
      if (left < 0) break;
      this.#marks.delete(topic);
      this.#keep(topic, undefined);
      this.raise(patternOf(topic), through);
      count -= 1;
    }
    return count <= maxEmptyTopics;
  }

  /** To be called when a topic gets its first message: from then on its own mark tells all that it lost. */
  inherit(topic: string): void {
    for (const [pattern, through] of this.#marks) {
      if (isPattern(pattern) && patternsOverlap(pattern, topic)) this.raise(topic, through);
    }
  }

  /** The marks above a position that a reader of the filter has to know. */
  above(position: number, filter: Filter, matcher: TopicMatcher, hasMessages: (topic: string) => boolean): TrimMark[] {
    const speaksForItself = (topic: string): boolean => this.#marks.has(topic) || hasMessages(topic);
    const concerns = (topic: string): boolean => {
      if (!isPattern(topic)) return matcher.matches(topic);
      // A pattern in place of a topic finds the policy that the topics under it have.
      const isHeld = this.#retention.isHeld(topic);
      return filter.some(
        (entry) => patternsOverlap(topic, entry) && !(isPattern(entry) ? isHeld : speaksForItself(entry)),
      );
    };
    return Array.from(this.#marks, ([topic, through]) => ({ topic, through })).filter(
      ({ topic, through }) => through > position && concerns(topic),
    );
  }
}
