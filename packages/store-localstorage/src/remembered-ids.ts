import type { OpenHistoryOptions } from '@hexbus/core';

interface FirstAppend {
  readonly key: string;
  readonly position: number;
  readonly time: number;
}

/** The last ids that callers gave, with where and when each was first appended. */
export class RememberedIds {
  readonly #limits: OpenHistoryOptions['deduplication'];
  readonly #byKey = new Map<string, FirstAppend>();
  #oldestFirst: FirstAppend[] = [];
  /** How many of these are forgotten. */
  #start = 0;

  constructor(limits: OpenHistoryOptions['deduplication']) {
    this.#limits = limits;
  }

  find(topic: string, id: string, now: number): FirstAppend | undefined {
    const first = this.#byKey.get(keyOf(topic, id));
    return first !== undefined && this.#isRecent(first, now) ? first : undefined;
  }

  holds(topic: string, id: string, position: number): boolean {
    return this.#byKey.get(keyOf(topic, id))?.position === position;
  }

  /** Of all that `find` finds. */
  keys(now: number): string[] {
    return [...this.#byKey.values()].filter((first) => this.#isRecent(first, now)).map(({ key }) => key);
  }

  add(topic: string, id: string, position: number, time: number): void {
    const first = { key: keyOf(topic, id), position, time };
    this.#byKey.set(first.key, first);
    this.#oldestFirst.push(first);
  }

  /** Forgets what is too much or too old, and returns its positions. */
  forget(now: number): number[] {
    const forgotten: number[] = [];
    for (let oldest = this.#oldestFirst[this.#start]; oldest !== undefined; oldest = this.#oldestFirst[this.#start]) {
      const count = this.#oldestFirst.length - this.#start;
      if (count <= this.#limits.maxIds && this.#isRecent(oldest, now)) break;
      this.#start++;
      if (this.#byKey.get(oldest.key) === oldest) this.#byKey.delete(oldest.key);
      forgotten.push(oldest.position);
    }
    if (this.#start * 2 > this.#oldestFirst.length) {
      this.#oldestFirst = this.#oldestFirst.slice(this.#start);
      this.#start = 0;
    }
    return forgotten;
  }

  #isRecent({ time }: FirstAppend, now: number): boolean {
    return time >= now - this.#limits.maxAgeMs;
  }
}

/** One text for a topic and an id. A topic has no blanks, so that no two pairs share one. */
export function keyOf(topic: string, id: string): string {
  return `${topic} ${id}`;
}
