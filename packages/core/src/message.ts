/** What a caller may attach to a message beside its body. Keys and values are text; trace context rides in `traceparent`. */
export type MessageHeaders = Readonly<Record<string, string>>;

/**
 * One message as handlers and readers see it. Read-only, and shared by all who receive it in this process.
 * `body` is parsed from JSON on first use, so a message nobody looks into is never parsed.
 */
export interface Message<Body = unknown, Topic extends string = string> {
  /** Given by the publisher, or made by the bus; unique within a topic. */
  readonly id: string;
  readonly topic: Topic;
  /** What other systems call event name, message id or message code. */
  readonly type?: string | undefined;
  readonly body: Body;
  readonly sender?: string | undefined;
  readonly headers?: MessageHeaders | undefined;
  /** Milliseconds since 1970, given by the history; never falls from one position to the next. */
  readonly time: number;
  /** Where the message stands in the history; absent on a topic that is not retained. */
  readonly position?: number;
}

/** A message as it lies in a history and travels: its body and its attributes are JSON texts that were encoded once, at `publish`. */
export interface StoredMessage {
  readonly position: number;
  readonly topic: string;
  readonly id: string;
  readonly time: number;
  readonly type?: string;
  /** The body as JSON text. */
  readonly body: string;
  /** `{ sender?, headers? }` as JSON text; absent when there is neither. */
  readonly attributes?: string;
}

interface Attributes {
  readonly sender?: string;
  readonly headers?: MessageHeaders;
}

const noAttributes: Attributes = {};

/** A message of a history. Keeps the encoded texts and parses each at most once. */
export class RetainedMessage implements Message {
  readonly position: number;
  readonly topic: string;
  readonly id: string;
  readonly time: number;
  readonly type?: string;
  /** The texts as they were encoded; what forwards a message sends these and never parses. */
  readonly encoded: StoredMessage;
  #body: unknown;
  #bodyParsed = false;
  #attributes: Attributes | undefined;

  constructor(stored: StoredMessage) {
    this.position = stored.position;
    this.topic = stored.topic;
    this.id = stored.id;
    this.time = stored.time;
    if (stored.type !== undefined) this.type = stored.type;
    this.encoded = stored;
  }

  get body(): unknown {
    if (!this.#bodyParsed) {
      this.#body = JSON.parse(this.encoded.body);
      this.#bodyParsed = true;
    }
    return this.#body;
  }

  get sender(): string | undefined {
    return this.#parsedAttributes().sender;
  }

  get headers(): MessageHeaders | undefined {
    return this.#parsedAttributes().headers;
  }

  /** The message as a plain object, so that printing or forwarding it as JSON shows its body. */
  toJSON(): Message {
    return plainMessage(this);
  }

  #parsedAttributes(): Attributes {
    this.#attributes ??=
      this.encoded.attributes === undefined ? noAttributes : (JSON.parse(this.encoded.attributes) as Attributes);
    return this.#attributes;
  }
}

/** A message's fields as own properties, without those that are absent. */
export function plainMessage({ id, topic, type, body, sender, headers, time, position }: Message): Message {
  return {
    id,
    topic,
    ...(type === undefined ? {} : { type }),
    body,
    ...(sender === undefined ? {} : { sender }),
    ...(headers === undefined ? {} : { headers }),
    time,
    ...(position === undefined ? {} : { position }),
  };
}
