import {
  type Bus,
  type From,
  type Head,
  isHexbusError,
  type Located,
  type LocateQuery,
  parseCursor,
  type Randomness,
  type WriteBatch,
  type WriteResult,
} from '@hexbus/core';
import { createSeededRandomness } from '@hexbus/testkit';
import type { Scheduler } from 'fast-check';
import type { BusInternals } from '../../../src/bus/internals.ts';
import { Checks, PropertyViolation } from '../../properties/checks.ts';
import type { IssuedAs, Start } from '../../properties/commands.ts';
import { Ledger } from '../../properties/ledger.ts';
import type { Place, PlaceMaker } from '../../properties/places.ts';
import { promisesSettled, Schedule, SimulatedTime, trimIntervalMs } from '../../properties/schedule.ts';
import { type Fault, type HistoryEvents, ScheduledHistory } from '../../properties/scheduled-history.ts';
import { policies, topicSettings } from '../../properties/topics.ts';
import type { Command, Mix, ResumeCommand } from './commands.ts';
import { badCursor, corrupted, isNowhere, placeIn } from './nowhere.ts';
import type * as Parts from './parts.ts';
import { type ClientMistakes, type ClientSubscription, checkAgreement, ReferenceClient } from './reference-client.ts';
import { ServerConnection } from './server-connection.ts';
import { SimulatedCarrier } from './simulated-carrier.ts';
import { noBounds, SubscriptionAudit } from './subscription-audit.ts';

export interface StreamWorldOptions {
  readonly parts: typeof Parts;
  readonly mistakes: ClientMistakes;
  readonly place: PlaceMaker;
  readonly scheduler: Scheduler;
  readonly mix: Mix;
}

interface Life {
  readonly bus: Bus;
  readonly history: ScheduledHistory;
  readonly inner: ReturnType<Place['create']>;
  alive: boolean;
}

interface Link {
  readonly server: ServerConnection;
  readonly carrier: SimulatedCarrier;
}

/** Steps that may follow one command. What needs more polls. */
const maxStepsPerCommand = 4_000;

/** A client, its connections, and the program that serves them, under one scheduler; and what is known of all of them. */
export class StreamWorld implements HistoryEvents {
  readonly checks = new Checks();
  readonly maxPage: number;
  readonly schedule: Schedule;
  readonly #options: StreamWorldOptions;
  readonly #time: SimulatedTime;
  readonly #ledger = new Ledger(policies);
  readonly #place: Place;
  readonly #randomness: Randomness = createSeededRandomness(1);
  readonly #client: ReferenceClient;
  readonly #cursors: string[] = [];
  readonly #located: { readonly filter: string; readonly start: number; readonly step: number }[] = [];
  readonly #faults: { readonly write: Fault[]; readonly read: Fault[] } = { write: [], read: [] };
  readonly #startsNowhere = new Set<number>();
  #life: Life | undefined;
  #link: Link | undefined;
  #knownEpoch: string | undefined;
  #stalled = false;
  #fromNowhere = false;
  #wasCut = false;
  #wasHeldBack = false;
  #serials = 0;
  #ids = 0;
  #askedAt = new Map<number, number>();

  constructor(options: StreamWorldOptions) {
    this.#options = options;
    this.maxPage = options.mix.maxPage;
    this.schedule = new Schedule(options.scheduler);
    this.#time = new SimulatedTime(this.schedule);
    this.#place = options.place(this.#randomness);
    this.#client = new ReferenceClient({
      parts: options.parts,
      checks: this.checks,
      mistakes: options.mistakes,
      step: () => this.schedule.steps,
      began: (subscription, start) => this.#began(subscription, start),
      onCursor: (cursor) => void this.#cursors.push(cursor),
    });
  }

  /** Makes the commands, whenever the scheduler picks the next one, and checks everything on the way. Rejects with a `PropertyViolation`. */
  async run(commands: readonly IssuedAs<Command>[]): Promise<void> {
    try {
      this.#start(false);
      await this.#makeAll(commands);
      this.#stalled = false;
      this.#link?.carrier.drain();
      if (this.#link === undefined) this.#connect(0, undefined);
      const { steps } = this.schedule;
      await this.#comeToRest(() => steps);
      this.#atRest();
    } finally {
      this.#place.remove();
    }
  }

  onWritten(batch: WriteBatch, result: WriteResult): void {
    this.#ledger.written(batch, result, this.#time.now, this.schedule.steps);
  }

  onAcknowledged({ epoch }: Head): void {
    this.#knownEpoch = epoch;
  }

  onOpened(head: Head): void {
    this.#ledger.opened(head, this.#place.durable, this.schedule.steps);
  }

  onLocated({ filter }: LocateQuery, { start }: Located): void {
    this.#located.push({ filter: filter.join(' '), start, step: this.schedule.steps });
  }

  nextFault(kind: 'write' | 'read'): Fault | undefined {
    return this.#faults[kind].shift();
  }

  #start(newEpoch: boolean): void {
    const life: { -readonly [Key in keyof Life]?: Life[Key] } = { alive: true };
    const clock = this.#time.clockFor(() => life.alive === true);
    life.inner = this.#place.create(clock);
    life.history = new ScheduledHistory(life.inner, this.schedule, this);
    life.bus = this.#options.parts.createBus({
      history: life.history,
      topics: topicSettings,
      clock,
      randomness: this.#randomness,
      trimIntervalMs,
    });
    const complete = life as Life;
    this.#life = complete;
    complete.bus.open({ newEpoch }).then(
      () => {
        this.#cursors.push(complete.bus.cursor!);
        if (!this.#wasCut && this.#life === complete) this.#connect(0, undefined);
      },
      () => undefined,
    );
  }

  #endLife(): void {
    this.#cut();
    const life = this.#life;
    if (life === undefined) return;
    life.alive = false;
    this.#life = undefined;
    life.history.abandon();
    this.#place.leave(life.inner);
    this.#time.forgetTimers();
    this.#faults.write.length = 0;
    this.#faults.read.length = 0;
  }

  #cut(): void {
    if (this.#link === undefined) return;
    this.#wasCut = true;
    this.#wasHeldBack ||= this.#link.server.wasHeldBack;
    this.#link.server.end();
    this.#link = undefined;
  }

  #connect(back: number, corruption: ResumeCommand['corruption']): void {
    const { parts, mix } = this.#options;
    const life = this.#life;
    this.#cut();
    if (life?.bus.state !== 'open') return;
    const { topics, side } = (life.bus as unknown as Record<symbol, BusInternals>)[parts.busInternals]!;
    if (side === undefined) return;
    const kept = this.#client.kept(back);
    const token =
      kept === undefined || corruption === undefined
        ? kept?.token
        : corrupted(kept.token, corruption, this.#ledger.head, [...this.#client.subscriptions.keys()]);
    const isToken = token !== undefined && parts.parseToken(token) !== undefined;
    this.checks.hold('P15', isToken === (token !== undefined && corruption !== 'malformed'), () => `${token} is taken`);
    const carrier = new SimulatedCarrier(this.schedule, this.#client);
    const server = new ServerConnection(
      {
        parts,
        side,
        topics,
        carrier,
        mix,
        schedule: this.schedule,
        checks: this.checks,
        onError: (error) => this.#failed(error),
      },
      isToken ? token : undefined,
    );
    this.#link = { server, carrier };
    this.#fromNowhere = isToken && isNowhere(placeIn(token!, 0, parts));
    if (this.#stalled) carrier.stall();
    for (const wish of this.#client.wishes(isToken ? kept : undefined)) {
      const { audit, at } = this.#client.subscriptions.get(wish.id)!;
      const goesOnAt = wish.from === 'covered' ? placeIn(token!, wish.id, parts) : at;
      if (at !== undefined && goesOnAt !== undefined) audit.resumed(isNowhere(goesOnAt));
      // The last token that was handled may be of an epoch that the client has been told to leave.
      audit.connected(this.#fromNowhere || goesOnAt?.epoch !== at?.epoch);
      this.#askedAt.set(wish.id, this.schedule.steps);
      server.subscribe(wish);
    }
  }

  #make(command: Command): Promise<unknown> | undefined {
    const life = this.#life;
    switch (command.do) {
      case 'publish':
        for (let count = 0; count < command.count; count++) this.#publish(command.topic);
        return undefined;
      case 'subscribe':
        this.#subscribe(command.filter, command.start);
        return undefined;
      case 'unsubscribe': {
        const ids = [...this.#client.subscriptions.keys()];
        const id = ids[command.pick % ids.length];
        if (id === undefined) return undefined;
        this.#client.subscriptions.delete(id);
        this.#link?.server.unsubscribe(id);
        return undefined;
      }
      case 'resume':
        this.#connect(command.back, command.corruption);
        return undefined;
      case 'cut':
        this.#cut();
        return undefined;
      case 'stall':
        this.#stalled = true;
        this.#link?.carrier.stall();
        return undefined;
      case 'drain':
        this.#stalled = false;
        this.#link?.carrier.drain();
        return undefined;
      case 'advance':
        this.#time.advance(command.ms);
        return undefined;
      case 'trim': {
        const through = this.#place.trim?.(command.topic, command.count) ?? 0;
        if (through > 0) this.#ledger.trimmed(command.topic, through, this.schedule.steps);
        return undefined;
      }
      case 'fault':
        this.#faults[command.kind].push(command.fault);
        return undefined;
      case 'wipe': {
        const epoch = this.#place.wipe?.();
        if (epoch !== undefined) this.#ledger.wiped(epoch, this.schedule.steps);
        return undefined;
      }
      case 'crash':
        this.#endLife();
        this.#start(false);
        return undefined;
      case 'reopen': {
        if (life === undefined) return undefined;
        this.#cut();
        void Promise.allSettled([life.bus.close()]).then(() => {
          if (!life.alive) return;
          this.#endLife();
          this.#start(command.newEpoch);
        });
        return undefined;
      }
      case 'rest':
        return new Promise(() => undefined);
    }
  }

  #publish(topic: string): void {
    this.#serials += 1;
    this.#life?.bus.publish(topic, { serial: this.#serials }).catch(() => undefined);
  }

  #subscribe(filter: readonly string[], start: Start): void {
    const { parts } = this.#options;
    const { subscriptions } = this.#client;
    const from = this.#from(start);
    if (typeof start === 'object' && 'bad' in start && start.bad === 'malformed') {
      let refused = false;
      try {
        parts.parseFrom(from);
      } catch (error) {
        refused = isHexbusError(error, 'HEXBUS_INVALID_CURSOR');
      }
      this.checks.hold('P15', refused, () => `${JSON.stringify(from)} is not refused`);
      return;
    }
    if (subscriptions.size >= 5) return;
    const id = ++this.#ids;
    const label = `subscription ${id} to ${filter.join(' ')}`;
    const audit = new SubscriptionAudit(label, filter, this.#ledger, this.checks);
    const matcher = this.#ledger.matcher(filter);
    subscriptions.set(id, {
      id,
      filter,
      matcher,
      from,
      audit,
      at: undefined,
      isAttached: false,
      startHere: 0,
      lastHere: 0,
    });
    if (typeof from === 'object' && 'after' in from && isNowhere(parseCursor(from.after))) this.#startsNowhere.add(id);
    audit.connected(this.#fromNowhere);
    this.#askedAt.set(id, this.schedule.steps);
    this.#link?.server.subscribe({ id, filter, from });
  }

  #from(start: Start): From {
    if (start === 'now' || start === 'earliest' || 'last' in start) return start;
    if ('sinceMs' in start) return { since: this.#time.now - start.sinceMs };
    if ('token' in start) {
      const cursor = this.#cursors[start.token % this.#cursors.length];
      return cursor === undefined ? 'earliest' : { after: cursor };
    }
    return { after: badCursor(start.bad, this.#ledger.head) };
  }

  #began({ id, filter, from, audit }: ClientSubscription, start: Head): void {
    const isNow = from === 'now' || (typeof from === 'object' && 'last' in from && from.last === 0);
    const isLocated = !isNow && !(typeof from === 'object' && 'after' in from);
    const askedAt = this.#askedAt.get(id) ?? 0;
    const found = this.#located.filter(
      (each) => isLocated && each.filter === filter.join(' ') && each.start === start.position && each.step >= askedAt,
    );
    // Which of several equal answers it was given cannot be told.
    const bounds = { knownUntil: found[0]?.step ?? -1, excusedUntil: found.at(-1)?.step ?? -1 };
    audit.began(start, isLocated ? bounds : noBounds);
    if (this.#startsNowhere.delete(id)) audit.startsNowhere();
  }

  #failed(error: unknown): void {
    this.checks.hold('P3', isHexbusError(error) && error.retryable, () =>
      error instanceof Error ? (error.stack ?? error.message) : String(error),
    );
  }

  async #makeAll(commands: readonly IssuedAs<Command>[]): Promise<void> {
    let next = 0;
    let lastIssued = 0;
    const issue = (): void => {
      if (next >= commands.length) return;
      void this.schedule.step('command').then(() => {
        lastIssued = this.schedule.steps;
        let gate: Promise<unknown> | undefined;
        do gate = this.#make(commands[next++]!.command);
        while (gate === undefined && commands[next]?.joined === true);
        if (gate === undefined) issue();
      });
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

  /** Makes steps until nothing is left to do. Time passes where nothing else can happen. */
  async #comeToRest(since: () => number): Promise<void> {
    await promisesSettled();
    while (this.schedule.pending > 0 || this.#time.advanceToTimer()) {
      await this.schedule.next();
      this.checks.raise();
      if (this.schedule.steps - since() <= maxStepsPerCommand) continue;
      throw new PropertyViolation('livelock', `still busy ${maxStepsPerCommand} steps after the last command`);
    }
  }

  #atRest(): void {
    this.checks.hold('livelock', true, () => '');
    const link = this.#link;
    if (link !== undefined && !this.#stalled) {
      const heldBack = this.#wasHeldBack || link.server.wasHeldBack;
      const id = this.#wasCut ? 'P14' : heldBack ? 'P28' : 'P3';
      for (const { audit } of this.#client.subscriptions.values()) audit.atRest(id, this.#knownEpoch);
      checkAgreement([...this.#client.subscriptions.values()], this.checks);
    }
    this.checks.raise();
  }
}
