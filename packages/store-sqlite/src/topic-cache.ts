/** How many topics make a generation. */
const generationSize = 10_000;

interface Named {
  readonly id: number;
  readonly name: string;
}

class Generation<Topic extends Named> {
  readonly byName = new Map<string, Topic>();
  readonly byId = new Map<number, Topic>();
}

/**
 * The topics that were asked for of late. Two generations instead of an order of use: what is asked for moves to the young one, and the old
 * one goes as a whole, but only when `age` is called, so that nothing is forgotten in the middle of a batch.
 */
export class TopicCache<Topic extends Named> {
  #young = new Generation<Topic>();
  #old = new Generation<Topic>();

  byName(name: string): Topic | undefined {
    return this.#young.byName.get(name) ?? this.#again(this.#old.byName.get(name));
  }

  byId(id: number): Topic | undefined {
    return this.#young.byId.get(id) ?? this.#again(this.#old.byId.get(id));
  }

  add(topic: Topic): Topic {
    this.#young.byName.set(topic.name, topic);
    this.#young.byId.set(topic.id, topic);
    return topic;
  }

  remove(id: number, name: string): void {
    for (const generation of [this.#young, this.#old]) {
      generation.byName.delete(name);
      generation.byId.delete(id);
    }
  }

  /** Forgets the old generation once the young one is full. */
  age(): void {
    if (this.#young.byId.size < generationSize) return;
    this.#old = this.#young;
    this.#young = new Generation();
  }

  #again(topic: Topic | undefined): Topic | undefined {
    return topic === undefined ? undefined : this.add(topic);
  }
}
