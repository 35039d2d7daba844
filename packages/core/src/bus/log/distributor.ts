import { RetainedMessage, type StoredMessage } from '../../message.ts';
import type { AppendResult, DroppedMessage, NewMessage, WriteResult } from '../../ports/history-store.ts';
import type { HeldQueue } from '../delivery/held-queue.ts';
import type { TopicTable } from '../topic-table.ts';
import type { RetainedParts } from './retained-parts.ts';
import type { WriterEvents } from './writer.ts';

/** What a distributor hands over to. */
export interface Destinations extends Pick<RetainedParts, 'tail' | 'observers'> {
  readonly heldQueues: ReadonlyMap<string, HeldQueue>;
  /** Tells all that follow the retained side that the bus is no longer sure of the head. */
  doubtAll(): void;
}

/** Hands what the history has committed to the tail, the subscriptions it reaches, the held queues and the observers, in the history's order. */
export class Distributor implements WriterEvents {
  readonly #side: Destinations;
  readonly #topics: TopicTable;

  constructor(side: Destinations, topics: TopicTable) {
    this.#side = side;
    this.#topics = topics;
  }

  written(appends: readonly NewMessage[], result: WriteResult): void {
    const { tail, observers } = this.#side;
    // Somebody else's batch, or one of ours that failed only for us, lies in between: only the store knows what.
    if (result.before !== tail.head) this.#restart(result.epoch, result.before);
    for (let index = 0; index < appends.length; index++) {
      const message = appends[index] as NewMessage;
      const answer = result.appended[index];
      if (answer === undefined || answer.status === 'refused') continue;
      if (answer.status === 'appended') this.#distribute(toStored(message, answer));
      if (observers.publishedWanted) {
        const { topic, id } = message;
        observers.tell('published', { topic, id, position: answer.position, duplicate: answer.status === 'duplicate' });
      }
    }
    tail.advance(result.head);
    if (result.dropped.length > 0) this.#tellDropped(result.dropped);
  }

  epochChanged(result: WriteResult): void {
    this.#restart(result.epoch, result.head);
  }

  outcomeUnknown(): void {
    this.#side.tail.doubt();
    this.#side.doubtAll();
  }

  #distribute(stored: StoredMessage): void {
    const { tail, observers } = this.#side;
    const message = new RetainedMessage(stored);
    const entry = this.#topics.get(message.topic);
    if (entry.retention?.kind === 'until-handled') {
      tail.advance(message.position);
      const queue = this.#side.heldQueues.get(message.topic);
      if (queue !== undefined) queue.push(message);
      else observers.tell('held', { topic: message.topic, id: message.id, position: message.position });
      return;
    }
    tail.append(message);
    for (const subscriber of entry.subscribers) subscriber.push(message);
  }

  #restart(epoch: string, position: number): void {
    // Whoever slept has passed everything up to the head as it was.
    this.#side.doubtAll();
    this.#side.tail.restart(epoch, position);
  }

  #tellDropped(dropped: readonly DroppedMessage[]): void {
    const { observers } = this.#side;
    for (const message of dropped) {
      observers.tell('dropped', message);
      observers.ended(message, { status: 'dropped' });
      this.#side.heldQueues.get(message.topic)?.dropped(message.position);
    }
  }
}

function toStored(message: NewMessage, answer: Exclude<AppendResult, { status: 'refused' }>): StoredMessage {
  const { topic, id, type, body, attributes } = message;
  const { position, time } = answer;
  // Written out, since a rest of properties costs a tenth of the whole publish.
  const stored: { -readonly [Field in keyof StoredMessage]: StoredMessage[Field] } = {
    position,
    topic,
    id,
    time,
    body,
  };
  if (type !== undefined) stored.type = type;
  if (attributes !== undefined) stored.attributes = attributes;
  return stored;
}
