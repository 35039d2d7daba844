import type { Clock } from '../../clock.ts';
import { type Message, type MessageHeaders, plainMessage } from '../../message.ts';
import type { PublishOptions } from '../api.ts';

/** Where messages of one bus come from. Gives ids to those whose publisher gave none: unique as long as the prefix is. */
export class LocalOrigin {
  readonly clock: Clock;
  readonly #prefix: string;
  #count = 0;

  constructor(clock: Clock, prefix: string) {
    this.clock = clock;
    this.#prefix = prefix;
  }

  nextId(): string {
    this.#count += 1;
    return `${this.#prefix}-${this.#count.toString(36)}`;
  }
}

/**
 * A message of a topic that is not retained. It holds the body as it was given, and makes its id and reads its time on first use, so that an `emit`
 * whose listeners look at the body only costs one small object.
 */
export class LocalMessage implements Message {
  readonly topic: string;
  readonly body: unknown;
  readonly #origin: LocalOrigin;
  readonly #options: PublishOptions | undefined;
  #id: string | undefined;
  #time: number | undefined;

  constructor(origin: LocalOrigin, topic: string, body: unknown, options?: PublishOptions) {
    this.#origin = origin;
    this.topic = topic;
    this.body = body;
    this.#options = options;
    this.#id = options?.id;
  }

  get id(): string {
    this.#id ??= this.#origin.nextId();
    return this.#id;
  }

  get time(): number {
    this.#time ??= this.#origin.clock.now();
    return this.#time;
  }

  get type(): string | undefined {
    return this.#options?.type;
  }

  get sender(): string | undefined {
    return this.#options?.sender;
  }

  get headers(): MessageHeaders | undefined {
    return this.#options?.headers;
  }

  /** The message as a plain object. */
  toJSON(): Message {
    return plainMessage(this);
  }
}
