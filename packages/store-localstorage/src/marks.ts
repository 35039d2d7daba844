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

  /** Keeps the number of marks bounded: the lower half of those of empty topics is merged. */
  merge(isEmpty: (topic: string) => boolean): void {
    if (this.#marks.size <= maxEmptyTopics) return;
    const lowestFirst = [...this.#marks].filter(([topic]) => !isPattern(topic) && isEmpty(topic));
    if (lowestFirst.length <= maxEmptyTopics) return;
    lowestFirst.sort(([, a], [, b]) => a - b);
    for (const [topic, through] of lowestFirst.slice(0, lowestFirst.length >>> 1)) {
      const pattern = this.#retention.policyOf(topic)?.pattern ?? topic;
      if (pattern === topic) continue;
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
