import type {
  Bus,
  createBus,
  Head,
  HistoryStore,
  Located,
  LocateQuery,
  Randomness,
  WriteBatch,
  WriteResult,
} from '@hexbus/core';
import { isHexbusError, parseCursor } from '@hexbus/core';
import { createSeededRandomness } from '@hexbus/testkit';
import type { Scheduler } from 'fast-check';
import { Checks, PropertyViolation } from './checks.ts';
import { type Issued, midwayKinds } from './commands.ts';
import { Controls } from './controls.ts';
import { HeldAudit } from './held-audit.ts';
import { Ledger } from './ledger.ts';
import { handleTimeoutMs, type LogEntry } from './listener.ts';
import { Listeners } from './listeners.ts';
import type { Place, PlaceMaker } from './places.ts';
import { PublishAudit } from './publishes.ts';
import { promisesSettled, Schedule, SimulatedTime, trimIntervalMs } from './schedule.ts';
import { type Fault, type HistoryEvents, ScheduledHistory } from './scheduled-history.ts';
import { show } from './stream-audit.ts';
import { heldTopics, policies, topicSettings } from './topics.ts';

export interface WorldOptions {
  readonly createBus: typeof createBus;
  readonly place: PlaceMaker;
  readonly scheduler: Scheduler;
  readonly maxPage: number;
  /** Subscribed first in every life of the program; not audited. */
  readonly bystander?: (bus: Bus) => void;
}

/** One life of the program: from its start to a close or a crash. */
export interface Life {
  readonly bus: Bus;
  readonly history: ScheduledHistory;
  readonly inner: HistoryStore;
  alive: boolean;
  closing: Promise<void> | undefined;
  closeCalledAt: number;
}

export const closeTimeoutMs = 3_000;

/** Steps that may follow one command, or the end of all. What needs more polls. */
const maxStepsPerCommand = 4_000;

/** A program with a bus, the place of its history, and the time in which they live, under one scheduler; and what is known of all of them. */
export class World implements HistoryEvents {
  readonly checks = new Checks();
  readonly maxPage: number;
  readonly schedule: Schedule;
  readonly time: SimulatedTime;
  readonly ledger = new Ledger(policies);
  readonly held: HeldAudit;
  readonly publishes: PublishAudit;
  readonly listeners: Listeners;
  /** Cursors that the bus has given to somebody. */
  readonly tokens: string[] = [];
  readonly place: Place;
  /** Everything that the program was told, in order, comparable between histories. */
  readonly transcript: string[] = [];
  readonly located: { readonly filter: string; readonly start: number; readonly step: number }[] = [];
  readonly faults: { readonly write: Fault[]; readonly read: Fault[] } = { write: [], read: [] };
  life: Life | undefined;
  /** The head that the bus was told last. */
  acknowledged: Head | undefined;
  readonly #options: WorldOptions;
  readonly #randomness: Randomness = createSeededRandomness(1);
  #opening: { readonly newEpoch: boolean } = { newEpoch: false };

  constructor(options: WorldOptions) {
    this.#options = options;
    this.maxPage = options.maxPage;
    this.schedule = new Schedule(options.scheduler);
    this.time = new SimulatedTime(this.schedule);
    this.held = new HeldAudit(this.ledger, this.checks);
    this.publishes = new PublishAudit(this.ledger, this.checks);
    this.listeners = new Listeners(this);
    this.place = options.place(this.#randomness);
  }

  /** Makes the commands, whenever the scheduler picks the next one, and checks everything on the way. Rejects with a `PropertyViolation`. */
  async run(commands: readonly Issued[]): Promise<void> {
    try {
      this.start(false);
      await this.#makeAll(commands);
      await this.#end();
    } finally {
      this.place.remove();
    }
  }

  /** A program begins. */
  start(newEpoch: boolean): void {
    this.#opening = { newEpoch };
    const isAlive = (): boolean => life.alive;
    const clock = this.time.clockFor(isAlive);
    const inner = this.place.create(clock);
    const history = new ScheduledHistory(inner, this.schedule, this);
    const bus = this.#options.createBus({
      history,
      topics: topicSettings,
      clock,
      randomness: this.#randomness,
      trimIntervalMs,
      handleTimeoutMs,
      closeTimeoutMs,
    });
    const life: Life = { bus, history, inner, alive: true, closing: undefined, closeCalledAt: 0 };
    this.life = life;
    this.acknowledged = undefined;
    this.#options.bystander?.(bus);
    bus.open({ newEpoch }).then(
      () => this.tokens.push(bus.cursor!),
      (error: unknown) => {
        if (life.alive && life.closing === undefined)
          this.checks.hold('P9', false, () => `open failed: ${String(error)}`);
      },
    );
  }

  /** The program ends between two steps, whatever it is doing. */
  crash(): void {
    const { life } = this;
    if (life === undefined) return;
    this.#endLife(life);
    life.history.abandon();
    this.place.leave(life.inner);
  }

  close(life: Life): Promise<void> {
    if (life.closing === undefined) {
      life.closeCalledAt = this.time.now;
      const wasOpen = life.bus.state === 'open';
      life.closing = life.bus.close().catch((error: unknown) => this.#gaveUp(life, error));
      if (wasOpen) this.listeners.markAllUnsubscribed();
    }
    return life.closing;
  }

  /** The history took too long for `close`: what it has not done by then, it never does. */
  #gaveUp(life: Life, error: unknown): void {
    const late = this.time.now - life.closeCalledAt >= closeTimeoutMs;
    const allowed = late && isHexbusError(error, 'HEXBUS_OUTCOME_UNKNOWN');
    this.checks.hold('P24', allowed, () => `close rejected with ${String(error)}`);
    if (!life.alive) return;
    life.history.abandon();
    this.place.leave(life.inner);
  }

  /** After a close. */
  reopen(life: Life, newEpoch: boolean): void {
    void this.close(life).then(() => {
      if (!life.alive) return;
      this.listeners.markAllUnsubscribed();
      this.#endLife(life);
      this.start(newEpoch);
    });
  }

  publish(topic: string, id: string | undefined, signal?: AbortSignal): Promise<void> {
    const life = this.life!;
    const publish = this.publishes.called(topic, id, () => life.alive);
    const { serial } = publish;
    return life.bus.publish(topic, { serial }, { id, signal }).then(
      (receipt) => {
        this.publishes.resolved(publish, receipt);
        if (receipt.cursor !== undefined) this.tokens.push(receipt.cursor);
      },
      (error: unknown) => this.publishes.rejected(publish, error),
    );
  }

  /** A page, compared with what was there from the call to the answer. */
  async read(filter: readonly string[], last: number | undefined): Promise<void> {
    const life = this.life!;
    const page = await life.bus.read(filter, { last }).catch(() => undefined);
    if (page === undefined || !life.alive) return;
    const [start, end] = [parseCursor(page.start), parseCursor(page.cursor)];
    const found = page.messages.map(({ position }) => position!);
    const known = this.ledger.between(end.epoch, filter, start.position, end.position);
    const missed = known.find(({ state, position }) => state === 'live' && !found.includes(position));
    const positions = known.map(({ position }) => position).filter((position) => found.includes(position));
    const ok = missed === undefined && positions.join() === found.join() && found.length <= (last ?? Infinity);
    this.checks.hold(
      'read',
      ok,
      () => `${filter} from ${page.start} to ${page.cursor} gave ${found}, not ${known.map(show)}`,
    );
  }

  onWritten(batch: WriteBatch, result: WriteResult): void {
    if (!result.applied) return;
    this.held.settling(batch, result);
    this.ledger.written(batch, result, this.time.now, this.schedule.steps);
    this.publishes.appended(result.epoch);
    this.held.settled(batch, result);
    for (const cursor of batch.commitCursors) this.listeners.committed(cursor);
  }

  onAcknowledged(head: Head): void {
    this.acknowledged = head;
  }

  onOpened(head: Head): void {
    const before = this.ledger.head;
    const { durable } = this.place;
    if (before.epoch !== '' && durable) {
      const { newEpoch } = this.#opening;
      const same = (head.epoch === before.epoch) !== newEpoch && head.position >= before.position;
      this.checks.hold('P9', same, () => `after the restart the head is ${head.position}, it was ${before.position}`);
    }
    this.ledger.opened(head, durable, this.schedule.steps);
  }

  onLocated({ filter, from, epoch }: LocateQuery, { start }: Located): void {
    if (epoch !== this.ledger.head.epoch) return;
    const expected = this.ledger.locate(filter, from);
    this.checks.hold(
      'P13',
      start === expected,
      () => `${JSON.stringify(from)} was located at ${start}, not ${expected}`,
    );
    this.located.push({ filter: filter.join(' '), start, step: this.schedule.steps });
  }

  onLoading(name: string): void {
    this.listeners.loading(name);
  }

  nextFault(kind: 'write' | 'read'): Fault | undefined {
    return this.faults[kind].shift();
  }

  logged(label: string, entry: LogEntry): void {
    this.transcript.push(`${label} ${textOf(entry)}`);
  }

  async #makeAll(commands: readonly Issued[]): Promise<void> {
    const controls = new Controls(this);
    let next = 0;
    let lastIssued = 0;
    const make = async (): Promise<void> => {
      lastIssued = this.schedule.steps;
      for (;;) {
        const gate = controls.make(commands[next++]!.command);
        if (gate !== undefined) await gate;
        const following = commands[next];
        if (gate !== undefined || following?.joined !== true) break;
        const { command, microtasks = 0 } = following;
        if (this.schedule.isMidway && !midwayKinds.has(command.do)) break;
        if (microtasks > 0) await this.schedule.midway(microtasks);
      }
      issue();
    };
    const issue = (): void => {
      if (next >= commands.length) return;
      const after = commands[next]?.microtasks ?? 0;
      if (after === 0) void this.schedule.step('command').then(make);
      else this.schedule.interrupt(after, make);
    };
    issue();
    for (;;) {
      await this.#comeToRest(() => lastIssued);
      this.#atRest();
      if (next >= commands.length) return;
      // The last command waits for what cannot come before the next one.
      issue();
    }
  }

  async #end(): Promise<void> {
    const life = this.life!;
    await this.#compareContent(life.inner);
    const closed = this.close(life);
    const { steps } = this.schedule;
    let isClosed = false;
    void closed.then(() => {
      isClosed = true;
    });
    await this.#comeToRest(() => steps);
    this.checks.hold('P24', isClosed, () => 'close never resolves');
    this.checks.hold('P24', this.time.waiting === 0, () => 'a timer is left behind by close');
    this.listeners.finish();
    this.publishes.atRest();
    this.checks.raise();
  }

  /** Makes steps until nothing is left to do. Time passes where nothing else can happen. */
  async #comeToRest(since: () => number): Promise<void> {
    await promisesSettled();
    while (this.schedule.pending > 0 || this.time.advanceToTimer()) {
      await this.schedule.next();
      this.listeners.afterStep();
      this.checks.raise();
      if (this.schedule.steps - since() <= maxStepsPerCommand) continue;
      throw new PropertyViolation('livelock', `still busy ${maxStepsPerCommand} steps after the last command`);
    }
  }

  #atRest(): void {
    this.checks.hold('livelock', true, () => '');
    this.publishes.atRest();
    if (this.life?.bus.state === 'open') this.listeners.atRest(this.acknowledged!.epoch);
    this.checks.raise();
  }

  #endLife(life: Life): void {
    life.alive = false;
    this.time.forgetTimers();
    this.held.lifeEnded();
    if (!this.place.durable) this.ledger.cursors.clear();
    this.listeners.lifeEnded();
    this.faults.write.length = 0;
    this.faults.read.length = 0;
  }

  /** What the history holds is what the ledger says it holds. */
  async #compareContent(inner: HistoryStore): Promise<void> {
    const { epoch } = this.ledger.head;
    for (const state of ['live', 'dead'] as const) {
      const query = {
        epoch,
        filter: ['>', ...heldTopics],
        range: { after: 0 },
        limit: 10_000,
        maxBytes: Infinity,
        state,
      };
      const page = await inner.read(query);
      const found = new Map(page.messages.map((message) => [message.position, message]));
      for (const entry of this.ledger.entries()) {
        const policy = this.ledger.retention.policyOf(entry.topic)!;
        // Limits of age are enforced by writes; whether they show before that, the port leaves open.
        if (state === 'live' && entry.time < this.time.now - policy.maxAgeMs) continue;
        const id = entry.held ? 'P19' : 'P9';
        const there = found.get(entry.position)?.id === entry.id;
        this.checks.hold(
          id,
          there === (entry.state === state),
          () =>
            `message ${entry.serial} of ${entry.topic} is ${there ? '' : 'not '}in the history as ${state}, but it is ${entry.state}`,
        );
      }
    }
    this.checks.raise();
  }
}

function textOf(entry: LogEntry): string {
  switch (entry.kind) {
    case 'start':
    case 'end':
      return `${entry.kind} ${entry.call.serial} at ${entry.call.position}, try ${entry.call.attempt} ${entry.kind === 'end' ? entry.call.state : ''}`;
    case 'gap':
      return `gap ${[...entry.gap.topics].sort().join(' ')} ${entry.gap.from} to ${entry.gap.to}`;
    case 'reset':
      return 'reset';
    case 'unsubscribed':
      return 'unsubscribed';
  }
}
