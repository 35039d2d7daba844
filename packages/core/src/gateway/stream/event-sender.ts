import type { Gap } from '../../bus/log/losses.ts';
import type { Subscriber } from '../../bus/topic-table.ts';
import type { Message, RetainedMessage } from '../../message.ts';
import type { ProtocolSession } from '../../ports/protocol.ts';
import type { Outbox } from '../connection/outbox.ts';
import type { CursorTexts } from './cursor-texts.ts';
import { DroppedTopics } from './dropped-topics.ts';
import type { MergedStream } from './merged-stream.ts';
import { namedTopics } from './named-topics.ts';
import type { Followed, StreamSink } from './stream-sink.ts';

export interface EventSenderHost {
  readonly protocol: ProtocolSession;
  readonly outbox: Outbox;
  readonly cursors: CursorTexts;
  onDropped(message: Message): void;
  onError(error: unknown): void;
}

/** Turns messages for one client into frames in its outbox. What is retained waits for room in the history; what is not is dropped, and told. */
export class EventSender implements StreamSink, Subscriber {
  /** What pushed messages of retained topics go to. Undefined where the bus has no history. */
  stream: MergedStream | undefined;
  readonly #host: EventSenderHost;
  #dropped: DroppedTopics | undefined;

  constructor(host: EventSenderHost) {
    this.#host = host;
  }

  get hasRoom(): boolean {
    return this.#host.outbox.hasRoom;
  }

  push(message: RetainedMessage): void {
    this.stream?.push(message);
  }

  /** Of a topic that is not retained. */
  call(message: Message): void {
    const { outbox, protocol } = this.#host;
    if (!outbox.hasRoom) {
      this.#dropped ??= new DroppedTopics();
      this.#dropped.add(message.topic);
      this.#host.onDropped(message);
      return;
    }
    try {
      outbox.add(protocol.event(message, undefined));
    } catch (error) {
      // Its body is of this program, and nobody checked that JSON can carry it.
      this.#host.onError(error);
    }
  }

  event(message: RetainedMessage): void {
    const { outbox, protocol, cursors } = this.#host;
    outbox.add(protocol.event(message, cursors.of(message, this.#epoch)));
  }

  eventFor(message: RetainedMessage, subs: readonly number[], token: string): void {
    const { outbox, protocol, cursors } = this.#host;
    outbox.add(protocol.eventFor(message, subs, token, cursors.of(message, this.#epoch)));
  }

  gap({ topics, from, to }: Gap, followed: readonly Followed[]): void {
    const { outbox, protocol } = this.#host;
    const subs = followed.map(({ id }) => id);
    outbox.add(protocol.gap({ subs, topics: namedTopics(topics, followed), from, to, why: 'trimmed' }));
  }

  reset(token: string, subs?: readonly number[]): void {
    const { outbox, protocol } = this.#host;
    outbox.add(protocol.gap({ subs, why: 'reset', token }));
  }

  settled(token: string): void {
    const { outbox, protocol } = this.#host;
    outbox.add(protocol.ping(token));
  }

  error(error: unknown): void {
    this.#host.onError(error);
  }

  /** There is room again. */
  onRoom(): void {
    if (this.#dropped !== undefined) {
      const { outbox, protocol } = this.#host;
      outbox.add(protocol.gap({ topics: this.#dropped.named, why: 'dropped' }));
      this.#dropped = undefined;
    }
    this.stream?.wake();
  }

  get #epoch(): string {
    return this.stream?.epoch ?? '';
  }
}
