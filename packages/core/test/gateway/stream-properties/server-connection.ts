import { createTopicMatcher, type From, formatCursor, type Head } from '@hexbus/core';
import type { Gap } from '../../../src/bus/log/losses.ts';
import type { RetainedParts } from '../../../src/bus/log/retained-parts.ts';
import type { Subscriber, TopicTable } from '../../../src/bus/topic-table.ts';
import { CursorTexts } from '../../../src/gateway/stream/cursor-texts.ts';
import { EventSender } from '../../../src/gateway/stream/event-sender.ts';
import type { Followed, StreamSink } from '../../../src/gateway/stream/stream-sink.ts';
import type { RetainedMessage } from '../../../src/message.ts';
import type { ProtocolHost } from '../../../src/ports/protocol.ts';
import type { Frame } from '../../../src/ports/transport.ts';
import type { Checks } from '../../properties/checks.ts';
import type { Schedule } from '../../properties/schedule.ts';
import type { Mix } from './commands.ts';
import type * as Parts from './parts.ts';
import type { SimulatedCarrier } from './simulated-carrier.ts';

export interface Wish {
  readonly id: number;
  readonly filter: readonly string[];
  readonly from: From | 'covered';
}

export interface ServerOptions {
  readonly parts: typeof Parts;
  readonly side: RetainedParts & { readonly followers: Set<{ doubt(): void }> };
  readonly topics: TopicTable;
  readonly schedule: Schedule;
  readonly checks: Checks;
  readonly carrier: SimulatedCarrier;
  readonly mix: Mix;
  readonly onError: (error: unknown) => void;
}

type MeasuredOutbox = InstanceType<typeof Parts.Outbox> & { readonly unsentBytes: number };

/** An outbox whose own bytes can be seen. */
function measured({ Outbox }: typeof Parts, ...options: ConstructorParameters<typeof Parts.Outbox>): MeasuredOutbox {
  return new (class extends Outbox {
    unsentBytes = 0;
    override add(frame: Frame | undefined): void {
      this.unsentBytes += Buffer.byteLength(frame?.text ?? '');
      super.add(frame);
    }
    override flush(): void {
      this.unsentBytes = 0;
      super.flush();
    }
  })(...options);
}

/** The server's end of one connection: what the gateway does for one client, without sessions and rights. */
export class ServerConnection implements StreamSink, Subscriber {
  readonly #options: ServerOptions;
  readonly #sender: EventSender;
  readonly #outbox: MeasuredOutbox;
  readonly #protocol: ReturnType<ReturnType<typeof Parts.createHexbusV1>['open']>;
  readonly #stream: InstanceType<typeof Parts.MergedStream>;
  readonly #token: ReturnType<typeof Parts.parseToken>;
  readonly #filters = new Map<number, readonly string[]>();
  /** There was no room at some time. */
  wasHeldBack = false;
  #ended = false;

  constructor(options: ServerOptions, token: string | undefined) {
    const { parts, side, carrier, mix, checks } = options;
    this.#options = options;
    this.#token = token === undefined ? undefined : parts.parseToken(token);
    this.#outbox = measured(parts, carrier, new parts.Flusher(side.clock), mix.maxOutboxBytes, {
      onHeldBack: () => undefined,
      onFull: () => {
        this.wasHeldBack = true;
      },
      onRoom: () => this.#sender.onRoom(),
    });
    carrier.onDrained = () => this.#outbox.drained();
    this.#protocol = parts.createHexbusV1().open(undefined as unknown as ProtocolHost);
    this.#sender = new EventSender({
      protocol: this.#protocol,
      outbox: this.#outbox,
      cursors: new CursorTexts(),
      onDropped: () => undefined,
      onError: options.onError,
    });
    const { history } = side;
    const read: typeof history.read = (query) => {
      checks.hold('P27', this.hasRoom, () => 'a page is read for a client without room');
      return history.read(query);
    };
    const watched = {
      ...{ tail: side.tail, writer: side.writer, names: side.names, clock: side.clock, observers: side.observers },
      history: { read, locate: history.locate.bind(history) } as typeof history,
    };
    const turns = {
      run: <Result>(work: () => Promise<Result>) =>
        mix.othersRead ? options.schedule.step('turn to read').then(work) : work(),
    };
    this.#stream = new parts.MergedStream(watched, this, this.#token ?? this.#head(), turns);
    this.#sender.stream = this.#stream;
    side.followers.add(this.#stream);
  }

  get hasRoom(): boolean {
    return this.#sender.hasRoom;
  }

  subscribe(wish: Wish): void {
    const { id, filter, from } = wish;
    const { parts } = this.#options;
    this.#filters.set(id, filter);
    if (from === 'covered')
      this.#follow(wish, { epoch: this.#token!.epoch, position: parts.positionIn(this.#token!, id) });
    else void this.#followFrom(wish, from);
  }

  unsubscribe(id: number): void {
    const filter = this.#filters.get(id);
    this.#filters.delete(id);
    if (filter === undefined || !this.#stream.has(id)) return;
    this.#options.topics.remove(filter, this);
    this.#stream.remove(id);
  }

  end(): void {
    this.#ended = true;
    for (const id of [...this.#filters.keys()]) this.unsubscribe(id);
    this.#options.side.followers.delete(this.#stream);
    this.#stream.end();
    this.#outbox.end();
    this.#options.carrier.terminate();
  }

  call(): void {}

  push(message: RetainedMessage): void {
    this.#stream.push(message);
  }

  event(message: RetainedMessage): void {
    this.#checkRoom();
    this.#sender.event(message);
  }

  eventFor(message: RetainedMessage, subs: readonly number[], token: string): void {
    this.#checkRoom();
    this.#sender.eventFor(message, subs, token);
  }

  gap(gap: Gap, followed: readonly Followed[]): void {
    this.#sender.gap(gap, followed);
  }

  settled(token: string): void {
    this.#sender.settled(token);
  }

  reset(token: string, subs?: readonly number[]): void {
    this.#sender.reset(token, subs);
  }

  error(error: unknown): void {
    this.#sender.error(error);
  }

  #checkRoom(): void {
    const { checks, mix, carrier } = this.#options;
    const bytes = this.#outbox.unsentBytes + carrier.bufferedBytes;
    checks.hold('P27', bytes < mix.maxOutboxBytes, () => `a message is added to ${bytes} bytes that wait`);
  }

  #head(): Head {
    const { tail } = this.#options.side;
    return { epoch: tail.epoch, position: tail.head };
  }

  async #followFrom(wish: Wish, from: From): Promise<void> {
    const { parts, side, schedule, onError } = this.#options;
    const now = this.#head();
    const query = parts.parseFrom(from);
    for (;;) {
      try {
        const start = await parts.resolveStart(side.history, wish.filter, query, now);
        if (!this.#ended && this.#filters.has(wish.id)) this.#follow(wish, start);
        return;
      } catch (error) {
        if (this.#ended) return;
        onError(error);
        await schedule.step('locate again');
      }
    }
  }

  #follow({ id, filter }: Wish, start: Awaited<ReturnType<typeof Parts.resolveStart>>): void {
    const { topics } = this.#options;
    const head = this.#head();
    topics.add(filter, this);
    this.#stream.add(id, filter, createTopicMatcher(filter, topics), start);
    this.#outbox.add(
      this.#protocol.subscribed(id, {
        start: formatCursor(start.epoch, start.position),
        head: formatCursor(head.epoch, head.position),
        token: this.#stream.token,
      }),
    );
  }
}
