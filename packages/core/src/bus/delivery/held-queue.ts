import type { CursorParts } from '../../cursor.ts';
import { isHexbusError } from '../../errors.ts';
import { RetainedMessage } from '../../message.ts';
import type { Settlement, TrimMark } from '../../ports/history-store.ts';
import type { TopicMatcher } from '../../retention.ts';
import type { HandlingOutcome } from '../endings.ts';
import { Feed } from '../log/feed.ts';
import type { DurableName } from '../log/named-cursors.ts';
import type { RetainedParts } from '../log/retained-parts.ts';
import { WakeLoop } from '../log/wake-loop.ts';
import { reasonOf, referenceOf } from '../observers.ts';
import { Backoff } from './backoff.ts';
import { CaughtUpWaiters } from './caught-up.ts';
import { handlerFailed } from './handler-runner.ts';
import type { LaneHandling } from './lane.ts';

/**
 * Delivers what waits in one held topic: the first message, to all listeners attached at that moment, until each has succeeded, left or used up its tries;
 * then one write settles it, and the next follows. Nothing is delivered while nobody is attached.
 */
export class HeldQueue {
  readonly #side: RetainedParts;
  readonly #topic: string;
  readonly #retired: () => void;
  readonly #listeners = new Set<LaneHandling>();
  /** Those to be told when nothing waits any more. */
  readonly #behind = new Set<LaneHandling>();
  readonly #runs = new Map<LaneHandling, Promise<HandlingOutcome>>();
  readonly #loop: WakeLoop;
  readonly #backoff: Backoff;
  #feed: Feed | undefined;
  #durable: DurableName | undefined;
  #delivering = false;
  /** How many are under way. */
  #requeues = 0;
  #rewindWanted = false;
  #doubted = false;
  /** The next page tells of losses that nobody has told of. */
  #marksAreNews = true;
  #abandoned = false;
  /** What a bound removed, and nobody was told of yet. */
  #dropped: { readonly epoch: string; readonly from: number; readonly to: number } | undefined;
  #told: CursorParts | undefined;
  readonly #waiters = new CaughtUpWaiters();
  #delivery: Promise<void> | undefined;
  #reading = false;

  /** `retired`, called once: nobody listens, and nothing needs to be remembered; a queue made anew serves as well. */
  constructor(side: RetainedParts, topic: string, retired: () => void) {
    this.#side = side;
    this.#topic = topic;
    this.#retired = retired;
    this.#loop = new WakeLoop(
      () => this.#drain(),
      (error) => side.observers.error(error),
    );
    this.#backoff = new Backoff(side.clock);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /** Returns where what waits begins. */
  attach(listener: LaneHandling): CursorParts {
    this.#listeners.add(listener);
    this.#behind.add(listener);
    this.#loop.wake();
    return { epoch: this.#side.tail.epoch, position: 0 };
  }

  /**
   * The listener takes part in no further delivery; if its running call succeeds, that still counts. Resolves when the delivery that it takes part in
   * is settled.
   */
  async detach(listener: LaneHandling): Promise<void> {
    this.#listeners.delete(listener);
    this.#behind.delete(listener);
    this.#waiters.leave(listener);
    this.#loop.wake();
    // Inside the listener's own handler, its run is noted only after this turn of the handler.
    await undefined;
    if (this.#runs.has(listener)) await this.#delivery;
  }

  push(message: RetainedMessage): void {
    if (this.#listeners.size === 0) this.#side.observers.tell('held', referenceOf(message));
    this.#feed?.push(message);
  }

  /** The store removed one because of a bound: it is not delivered any more, and the listeners are told of the gap before the next message. */
  dropped(position: number): void {
    // The first page will tell.
    if (this.#feed === undefined) return;
    const { from = position, to = position } = this.#dropped ?? {};
    this.#dropped = { epoch: this.#side.tail.epoch, from: Math.min(from, position), to: Math.max(to, position) };
    this.#feed.remove(position);
    // A page that is under way may still bring it.
    if (this.#reading) this.#rewindWanted = true;
    this.#loop.wake();
  }

  /** Something waits again at an earlier place. */
  rewind(): void {
    this.#rewindWanted = true;
    this.#loop.wake();
  }

  /**
   * Has dead messages, the first of them at `first`, wait again by `settle`. A bound may remove them in the same write or a later one, which may be
   * told to nobody here: so losses from there on count as untold, for whoever looks at what the store tells of them.
   */
  async requeue(epoch: string, first: number, settle: () => Promise<number>): Promise<number> {
    this.#requeues += 1;
    try {
      await this.#loadTold();
      const wasTold = this.#toldIn(epoch).some(({ through }) => through >= first);
      if (wasTold && !this.#loop.stopped) this.#remember(epoch, first - 1);
      const count = await settle();
      if (count > 0) this.rewind();
      return count;
    } finally {
      this.#requeues -= 1;
      this.#loop.wake();
    }
  }

  /** A write may have dropped messages without telling: what is queued may be gone, and the marks of the store are news again. */
  doubt(): void {
    this.#doubted = true;
    this.#marksAreNews = true;
    this.#feed?.ignoreMarks(false);
    if (this.#feed !== undefined) for (const mark of this.#toldIn(this.#feed.epoch)) this.#feed.setKnown(mark);
    this.rewind();
  }

  /** Resolves when nothing waits of what is there now, or the listener has left. */
  caughtUp(listener: LaneHandling): Promise<void> {
    const nothingWaits = this.#feed?.idle === true && !this.#delivering && !this.#rewindWanted;
    if (nothingWaits || !this.#listeners.has(listener)) return Promise.resolve();
    return this.#waiters.wait(this.#side.tail.certainHead, listener);
  }

  /** Starts no further delivery. Resolves when the one under way is settled. */
  async end(): Promise<void> {
    this.#backoff.end();
    await this.#loop.stop();
    this.#feed?.end();
    await this.#durable?.committed();
  }

  /** The bus waits no longer: what is still running settles nothing. */
  abandon(): void {
    this.#abandoned = true;
    for (const { runner } of this.#runs.keys()) runner.abandon();
    this.#backoff.end();
  }

  async #drain(): Promise<void> {
    while (this.#listeners.size > 0 && !this.#loop.stopped) {
      if (this.#rewindWanted) {
        this.#rewindWanted = false;
        this.#feed?.rewind();
      }
      this.#tellDropped();
      const item = this.#feed?.take();
      if (item === undefined) {
        if (this.#feed?.idle === true) {
          this.#nowIdle();
          return;
        }
        await this.#readOn();
      } else if (item instanceof RetainedMessage && !this.#canSettle) {
        await this.#agreeOnEpoch();
      } else if (item instanceof RetainedMessage) {
        // What waits is delivered in order, so everything before this one is settled.
        this.#waiters.reached(this.#feed?.epoch ?? '', item.position - 1);
        this.#delivery = this.#deliver(item);
        await this.#delivery;
      } else {
        if (item.kind === 'gap') this.#remember(this.#feed?.epoch ?? '', item.gap.to);
        for (const { reports } of this.#listeners) reports.signal(item);
      }
    }
    // With nobody attached, what waits need not lie in memory too.
    this.#feed?.end();
    this.#feed = undefined;
    this.#marksAreNews = true;
    await this.#durable?.committed();
    if (this.#listeners.size > 0 || this.#requeues > 0 || this.#loop.stopped) return;
    // Woken once more, it would retire the one that serves the topic by then.
    void this.#loop.stop();
    this.#durable?.release();
    this.#retired();
  }

  /** Only in the epoch that the writer knows can a message be settled, and what is not settled would be delivered again. */
  get #canSettle(): boolean {
    return this.#feed?.epoch === this.#side.tail.epoch;
  }

  /** Either may be the older one, of the writer's epoch and the feed's. Both learn the present one by asking: by a write, and by reading again. */
  async #agreeOnEpoch(): Promise<void> {
    const { writer } = this.#side;
    this.#rewindWanted = true;
    writer.request();
    await writer.flush();
    if (!this.#canSettle) await this.#backoff.pause();
  }

  async #readOn(): Promise<void> {
    try {
      this.#doubted = false;
      this.#reading = true;
      for (const listener of this.#listeners) this.#behind.add(listener);
      const feed = this.#feed ?? (await this.#openFeed());
      await feed.fill();
      // Losses of earlier times are reported by the first page; later ones are told by the writes that cause them.
      this.#marksAreNews = this.#doubted;
      feed.ignoreMarks(!this.#doubted);
      if (this.#canSettle) this.#backoff.reset();
    } catch (error) {
      if (this.#loop.stopped) return;
      this.#side.observers.error(error);
      await this.#backoff.pause();
    } finally {
      this.#reading = false;
    }
  }

  async #openFeed(): Promise<Feed> {
    const { history, tail } = this.#side;
    const topic = this.#topic;
    await this.#loadTold();
    const matcher: TopicMatcher = { only: topic, matches: (other) => other === topic };
    const start = { epoch: tail.epoch, position: 0, known: this.#toldIn(tail.epoch) };
    this.#feed = new Feed({ history, tail, filter: [topic], matcher, storeOnly: true, loop: this.#loop }, start);
    return this.#feed;
  }

  async #deliver(message: RetainedMessage): Promise<void> {
    this.#delivering = true;
    // Those of this moment: a handler may attach others, which begin with the next message, or end some.
    for (const listener of [...this.#listeners]) {
      if (this.#listeners.has(listener)) this.#runs.set(listener, this.#run(listener, message));
    }
    await this.#settle(message, await Promise.all(this.#runs.values()));
    this.#runs.clear();
    this.#delivering = false;
  }

  async #run(listener: LaneHandling, message: RetainedMessage): Promise<HandlingOutcome> {
    const outcome = await listener.runner.run(message);
    if (outcome.status === 'handled') listener.reports.delivered(message, outcome.result);
    return outcome;
  }

  async #settle(message: RetainedMessage, outcomes: readonly HandlingOutcome[]): Promise<void> {
    const { observers } = this.#side;
    const { topic, position } = message;
    const failed = outcomes.find((outcome) => outcome.status === 'failed');
    if (failed !== undefined) {
      const reason = reasonOf(failed.error);
      if (await this.#write({ outcome: 'dead', topic, position, reason })) {
        observers.tell('dead', { ...referenceOf(message), reason });
        observers.error(handlerFailed(message, failed.error), { message: referenceOf(message) });
        observers.ended(message, { status: 'dead', reason });
      }
      return;
    }
    const results = outcomes.flatMap((outcome) => (outcome.status === 'handled' ? [outcome.result] : []));
    if (results.length === 0) {
      // All left before one succeeded: the message stays first, for whoever attaches next.
      this.#rewindWanted = true;
      return;
    }
    if (await this.#write({ outcome: 'handled', topic, position })) {
      observers.tell('handled', { ...referenceOf(message), results });
      observers.ended(message, { status: 'handled', results });
    }
  }

  /** Settles in the history, trying until it is sure. Resolves with whether this settlement took effect. */
  async #write(settlement: Settlement): Promise<boolean> {
    // Only a read between two deliveries can move the feed to another epoch.
    const epoch = this.#feed?.epoch ?? '';
    for (let uncertain = false; !this.#abandoned; ) {
      try {
        const found = await this.#side.writer.settle(settlement, epoch);
        this.#backoff.reset();
        return found || uncertain;
      } catch (error) {
        uncertain ||= isHexbusError(error, 'HEXBUS_OUTCOME_UNKNOWN');
        this.#side.observers.error(error);
        if (this.#loop.stopped) return false;
        await this.#backoff.pause();
      }
    }
    return false;
  }

  #nowIdle(): void {
    for (const { reports } of this.#behind) reports.caughtUp();
    this.#behind.clear();
    this.#waiters.releaseAll();
  }

  #tellDropped(): void {
    // What a page is to tell lies before these: telling these first would hide it.
    if (this.#dropped === undefined || this.#feed === undefined || this.#marksAreNews) return;
    const { epoch, from, to } = this.#dropped;
    const gap = { topics: [this.#topic], from, to };
    this.#dropped = undefined;
    this.#remember(epoch, to);
    for (const { reports } of this.#listeners) reports.signal({ kind: 'gap', gap });
  }

  /** Losses up to here were told: the next start does not tell them again. */
  #remember(epoch: string, through: number): void {
    if (this.#feed?.epoch === epoch) this.#feed.setKnown({ topic: this.#topic, through });
    this.#told = { epoch, position: through };
    this.#durable ??= this.#side.names.claim(this.#reportName, [this.#topic]);
    void this.#durable.moved(this.#told);
  }

  /** What was told in earlier lives counts until something is told in this one. */
  async #loadTold(): Promise<void> {
    if (this.#told !== undefined) return;
    const told = await this.#side.history.loadCursor(this.#reportName);
    this.#told ??= told;
  }

  #toldIn(epoch: string): readonly TrimMark[] {
    const told = this.#told;
    return told?.epoch === epoch ? [{ topic: this.#topic, through: told.position }] : [];
  }

  get #reportName(): string {
    return `@held.${this.#topic}`;
  }
}
