import type { Feed, FeedStart } from '../../bus/log/feed.ts';
import type { RetainedMessage } from '../../message.ts';
import { patternsOverlap } from '../../pattern.ts';
import type { Filter, TrimMark } from '../../ports/history-store.ts';
import type { TopicMatcher } from '../../retention.ts';

/** In a token, the position of a subscription whose start is of another epoch: above every head, so that going on from it is a reset. */
const voidPosition = Number.MAX_SAFE_INTEGER;

/** One subscription in a merged stream. It is settled unless it is unsure, behind or ahead; the main stream feeds it when it is settled or ahead. */
export class StreamFilter {
  readonly id: number;
  readonly entries: Filter;
  readonly matcher: TopicMatcher;
  start: FeedStart;
  /** Nobody knows yet whether there is such a start: the history is to be asked. */
  unsure = false;
  #feed: Feed | undefined;
  /** Ahead: where it begins, or what it knows of losses, lies beyond the main position. */
  #ahead: FeedStart | undefined;

  constructor(id: number, entries: Filter, matcher: TopicMatcher, start: FeedStart) {
    this.id = id;
    this.entries = entries;
    this.matcher = matcher;
    this.start = start;
  }

  /** What feeds it while it is behind. */
  get feed(): Feed | undefined {
    return this.#feed;
  }

  get isFedByMain(): boolean {
    return !this.unsure && this.#feed === undefined;
  }

  get isSettled(): boolean {
    return this.isFedByMain && this.#ahead === undefined;
  }

  /** Where it is, in the words of a token, if that is not the main position. */
  positionBeside(epoch: string, main: number): number | undefined {
    if (this.unsure) return this.start.epoch === epoch ? this.start.position : voidPosition;
    if (this.#feed !== undefined) return this.#feed.position;
    return this.#ahead !== undefined && this.#ahead.position > main ? this.#ahead.position : undefined;
  }

  /** It is behind. */
  feedBy(feed: Feed): void {
    this.#feed = feed;
  }

  /** It is fed by the main stream from `main` on. `known`: losses that it was told of, or need not be. */
  follow(main: number, known: readonly TrimMark[] = []): void {
    this.end();
    const { epoch, position } = this.start;
    this.#ahead = { epoch, position, known };
    this.settle(main);
  }

  /** Whether it has become settled by the main stream's being at `main`. */
  settle(main: number): boolean {
    if (this.#ahead === undefined) return false;
    const { position, known = [] } = this.#ahead;
    if (position > main || known.some(({ through }) => through > main)) return false;
    this.#ahead = undefined;
    return true;
  }

  /** Whether a message of the main stream is for it. */
  gets({ topic, position }: RetainedMessage): boolean {
    return this.isFedByMain && this.matcher.matches(topic) && position > this.#passed(topic);
  }

  /** The marks that tell of something it was to get. */
  losses(marks: readonly TrimMark[]): readonly TrimMark[] {
    return marks.filter(({ topic, through }) => through > this.#passed(topic) && this.touches([topic]));
  }

  touches(topics: readonly string[]): boolean {
    return topics.some((topic) => this.entries.some((entry) => patternsOverlap(topic, entry)));
  }

  /** Nothing is fed by itself any more. */
  end(): void {
    this.#feed?.end();
    this.#feed = undefined;
  }

  /** Up to where it gets nothing of a topic. */
  #passed(topic: string): number {
    if (this.#ahead === undefined) return 0;
    const { position, known = [] } = this.#ahead;
    return Math.max(position, known.find((mark) => mark.topic === topic)?.through ?? 0);
  }
}

/** Where those are that are not at the main position, by their ids. */
export function positionsBeside(
  filters: Iterable<StreamFilter>,
  epoch: string,
  main: number,
): readonly (readonly [id: number, position: number])[] {
  const own: [number, number][] = [];
  for (const filter of filters) {
    const at = filter.positionBeside(epoch, main);
    if (at !== undefined) own.push([filter.id, at]);
  }
  return own;
}
