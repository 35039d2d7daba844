import type { OpenHistoryOptions } from '@hexbus/core';
import { PositionList } from './position-list.ts';

interface FirstAppend {
  readonly key: string;
  readonly position: number;
  readonly time: number;
}

/** The last ids that callers gave, with where and when each was first appended. */
export class RememberedIds {
  readonly #maxIds: number;
  readonly #maxAgeMs: number;
  readonly #byKey = new Map<string, FirstAppend>();
  // A queue of its own: asking a Map for its oldest key gets slow where keys come and go.
  readonly #oldestFirst = new PositionList<FirstAppend>();

  constructor(options: OpenHistoryOptions['deduplication']) {
    this.#maxIds = options.maxIds;
    this.#maxAgeMs = options.maxAgeMs;
  }

  find(topic: string, id: string, now: number): FirstAppend | undefined {
    const first = this.#byKey.get(keyOf(topic, id));
    return first !== undefined && first.time >= now - this.#maxAgeMs ? first : undefined;
  }

  add(topic: string, id: string, position: number, now: number): void {
    const first = { key: keyOf(topic, id), position, time: now };
    this.#forgetWhile((oldest) => oldest.time < now - this.#maxAgeMs);
    this.#byKey.set(first.key, first);
    this.#oldestFirst.push(first);
    this.#forgetWhile(() => this.#oldestFirst.length > this.#maxIds);
  }

  #forgetWhile(condition: (oldest: FirstAppend) => boolean): void {
    for (let oldest = this.#oldestFirst.first; oldest !== undefined && condition(oldest); ) {
      this.#byKey.delete(oldest.key);
      this.#oldestFirst.removeFirst();
      oldest = this.#oldestFirst.first;
    }
  }
}

/** A topic has no blanks, so that no two pairs share a key. */
function keyOf(topic: string, id: string): string {
  return `${topic} ${id}`;
}
