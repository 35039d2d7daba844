import type { TopicMatcher } from '@hexbus/core';
import type { Direction, Place, Row, Rows } from './rows.ts';
import type { Topics } from './topics.ts';

/** How many rows are fetched in one query: little enough that large bodies do not fill the memory. */
const rowsAtOnce = 100;

/** The same where only places are fetched. */
const placesAtOnce = 1000;

/** And the fewest that are worth a query. */
const leastPlaces = 8;

/** A search looks at no more rows of other topics than this, so that it never holds up the program for long. */
const maxLookedAt = 5000;

/** One topic, by the index. */
export function* topicRows(rows: Rows, topicId: number, position: number): Generator<Row> {
  for (let from = position, more = true; more; ) {
    const found = rows.ofTopic(topicId, from, rowsAtOnce);
    yield* found;
    from = found.at(-1)?.[0] ?? from;
    more = found.length === rowsAtOnce;
  }
}

/** The places of one topic, fetched a few at a time. */
class PlacesOfTopic {
  readonly #fetch: (position: number) => readonly Place[];
  readonly #window: number;
  #places: readonly Place[];
  #next = 0;

  constructor(rows: Rows, topicId: number, position: number, window: number) {
    this.#window = window;
    this.#fetch = (from) => rows.placesOfTopic(topicId, from, window);
    this.#places = this.#fetch(position);
  }

  get first(): number | undefined {
    return this.#places[this.#next]?.[0];
  }

  take(): void {
    const position = this.first;
    this.#next += 1;
    if (position === undefined || this.#next < this.#window) return;
    this.#places = this.#fetch(position);
    this.#next = 0;
  }
}

/** Several topics, by the index. `limit`: how many rows will be asked for at the most. */
export function* namedRows(
  rows: Rows,
  direction: Direction,
  topicIds: readonly number[],
  position: number,
  limit: number,
): Generator<Row> {
  const window = Math.max(leastPlaces, Math.min(placesAtOnce, Math.ceil((2 * limit) / topicIds.length)));
  const topics = topicIds.map((id) => new PlacesOfTopic(rows, id, position, window));
  for (;;) {
    let nearest: PlacesOfTopic | undefined;
    let at = 0;
    for (const topic of topics) {
      const { first } = topic;
      if (first === undefined || (nearest !== undefined && (direction === 'up' ? first > at : first < at))) continue;
      nearest = topic;
      at = first;
    }
    if (nearest === undefined) return;
    yield rows.at(at);
    nearest.take();
  }
}

/** Patterns: looks at one row after the other, in order. */
export class Scan {
  /** Where it gave up after `maxLookedAt` rows; undefined if it reached the end. */
  stoppedAt: number | undefined;
  readonly #rows: Rows;
  readonly #topics: Topics;
  readonly #matcher: TopicMatcher;
  readonly #known = new Map<number, boolean>();

  constructor(rows: Rows, topics: Topics, matcher: TopicMatcher) {
    this.#rows = rows;
    this.#topics = topics;
    this.#matcher = matcher;
  }

  *matching(position: number): Generator<Row> {
    // Where most rows match they are fetched at once; where few do, first their places and then these few.
    let dense = true;
    let from = position;
    for (let lookedAt = 0; lookedAt < maxLookedAt; ) {
      const size: number = dense ? rowsAtOnce : placesAtOnce;
      const found = dense ? this.#rows.all(from, size) : this.#rows.places(from, size);
      let matched = 0;
      for (const row of found) {
        if (!this.#matches(row)) continue;
        matched++;
        yield dense ? (row as Row) : this.#rows.at(row[0]);
      }
      if (found.length < size) return;
      from = found.at(-1)?.[0] ?? from;
      lookedAt += size;
      dense = matched * 4 >= size;
    }
    this.stoppedAt = from;
  }

  *places(position: number): Generator<Place> {
    let from = position;
    for (let lookedAt = 0; lookedAt < maxLookedAt; lookedAt += placesAtOnce) {
      const found = this.#rows.places(from, placesAtOnce);
      for (const place of found) if (this.#matches(place)) yield place;
      if (found.length < placesAtOnce) return;
      from = found.at(-1)?.[0] ?? from;
    }
    this.stoppedAt = from;
  }

  #matches([, topicId]: Place): boolean {
    let known = this.#known.get(topicId);
    if (known === undefined) {
      known = this.#matcher.matches(this.#topics.byId(topicId)?.name ?? '');
      this.#known.set(topicId, known);
    }
    return known;
  }
}
