import {
  type Bus,
  type Head,
  isHexbusError,
  type Located,
  type LocateQuery,
  type WriteBatch,
  type WriteResult,
} from '@hexbus/core';
import type { Gateway, TransportHost } from '@hexbus/core/gateway';
import { createSeededRandomness } from '@hexbus/testkit';
import type { Scheduler } from 'fast-check';
import { Checks, PropertyViolation } from '../../properties/checks.ts';
import type { IssuedAs } from '../../properties/commands.ts';
import { Ledger } from '../../properties/ledger.ts';
import type { Place, PlaceMaker } from '../../properties/places.ts';
import { promisesSettled, Schedule, SimulatedTime, trimIntervalMs } from '../../properties/schedule.ts';
import { type Fault, type HistoryEvents, ScheduledHistory } from '../../properties/scheduled-history.ts';
import { type Command, type OpenCommand, type User, users } from './commands.ts';
import { Page } from './page.ts';
import type * as Parts from './parts.ts';
import { SimulatedStream } from './simulated-stream.ts';

export interface EventSourceWorldOptions {
  readonly parts: typeof Parts;
  readonly place: PlaceMaker;
  readonly scheduler: Scheduler;
}

interface Life {
  readonly bus: Bus;
  readonly gateway: Gateway;
  readonly history: ScheduledHistory;
  readonly inner: ReturnType<Place['create']>;
  host: TransportHost | undefined;
  alive: boolean;
}

const everything = { retain: { maxCount: Infinity } };
const topics = { 'a.>': everything, b: everything, 'c.>': everything, '@user.>': everything };
const resumeKey = 'a key of thirty-two bytes or more';

/** Steps that may follow one command. What needs more polls. */
const maxStepsPerCommand = 4_000;

/** Timers of the gateway that are longer never run: pings, windows and leases have tests of their own. */
const longTimerMs = 1_000;

/** A page with an `EventSource`, and the gateway that serves it, under one scheduler. */
export class EventSourceWorld implements HistoryEvents {
  readonly checks = new Checks();
  readonly maxPage = 3;
  readonly schedule: Schedule;
  readonly #options: EventSourceWorldOptions;
  readonly #time: SimulatedTime;
  readonly #ledger: Ledger;
  readonly #place: Place;
  readonly #randomness = createSeededRandomness(1);
  readonly #faults: { readonly write: Fault[]; readonly read: Fault[] } = { write: [], read: [] };
  #life: Life | undefined;
  #page: Page | undefined;
  #user: User = 'ann';
  #ticket = '';
  #stream: SimulatedStream | undefined;
  #isStalled = false;
  #wasCut = false;
  #serials = 0;

  constructor(options: EventSourceWorldOptions) {
    this.#options = options;
    this.schedule = new Schedule(options.scheduler);
    this.#time = new SimulatedTime(this.schedule);
    this.#place = options.place(this.#randomness);
    const patterns = Object.keys(topics);
    this.#ledger = new Ledger(
      patterns.map((pattern) => ({ kind: 'limits', pattern, maxCount: Infinity, maxAgeMs: Infinity })),
    );
  }

  /** Makes the commands, whenever the scheduler picks the next one, and checks everything on the way. Rejects with a `PropertyViolation`. */
  async run(commands: readonly IssuedAs<Command>[]): Promise<void> {
    try {
      this.#start();
      await this.#makeAll(commands);
      this.#isStalled = false;
      this.#stream?.drain();
      await this.#comeToRest();
      // What was refused may be had now.
      for (let tries = 0; (this.#page?.refused.size ?? 0) > 0; tries++) {
        this.checks.hold('P3', tries < 10, () => 'it is refused again and again');
        this.#cut();
        await this.#comeToRest();
      }
      this.#atRest();
      await this.#lookForAll();
    } finally {
      this.#place.remove();
    }
  }

  /** Whatever happened, what waits for a user waits. */
  async #lookForAll(): Promise<void> {
    for (const user of users) {
      this.#user = user;
      this.#cut();
      await this.#comeToRest();
      this.#atRest();
    }
  }

  onWritten(batch: WriteBatch, result: WriteResult): void {
    this.#ledger.written(batch, result, this.#time.now, this.schedule.steps);
  }

  onAcknowledged(_head: Head): void {}

  onOpened(head: Head): void {
    this.#ledger.opened(head, true, this.schedule.steps);
  }

  onLocated(_query: LocateQuery, _found: Located): void {}

  nextFault(kind: 'write' | 'read'): Fault | undefined {
    return this.#faults[kind].shift();
  }

  #start(): void {
    const { parts } = this.#options;
    const state = { alive: true };
    const clock = this.#time.clockFor(() => state.alive);
    const inner = this.#place.create(clock);
    const history = new ScheduledHistory(inner, this.schedule, this);
    const bus = parts.createBus({ history, topics, clock, randomness: this.#randomness, trimIntervalMs });
    const gatewayClock = {
      ...clock,
      setTimer: (callback: () => void, delayMs: number) =>
        delayMs < longTimerMs ? clock.setTimer(callback, delayMs) : () => undefined,
    };
    const life: Life = Object.assign(state, { bus, history, inner, host: undefined, gateway: undefined as never });
    const gateway = parts.createGateway(bus, {
      transports: [
        {
          name: 'sse',
          open: async (host) => {
            life.host = host;
          },
          drain: () => undefined,
          close: async () => undefined,
        },
      ],
      authenticate: ({ headers }) => (headers['user'] === undefined ? {} : { userId: headers['user'] }),
      authorize: () => this.#page?.query.asksSlowly !== true || this.schedule.step('authorize').then(() => true),
      resumeKey,
      registry: parts.createMemoryRegistry({ clock: gatewayClock }),
      limits: { maxOutboxBytes: 600, maxConnectionsPerUser: 1_000 },
      timings: { ticketMs: 1_000_000_000, userCursorMs: 500 },
      clock: gatewayClock,
      randomness: this.#randomness,
    });
    gateway.observe('error', ({ error }) => this.#failed(error));
    this.#life = Object.assign(life, { gateway });
    bus
      .open()
      .then(() => gateway.open())
      .then(() => this.#connect())
      .catch((error: unknown) => {
        if (state.alive) this.#failed(error);
      });
  }

  #crash(): void {
    const life = this.#life;
    this.#stream?.cut();
    this.#stream = undefined;
    this.#wasCut = true;
    if (life !== undefined) {
      life.alive = false;
      life.history.abandon();
      this.#page?.crashed();
      this.#place.leave(life.inner);
    }
    this.#time.forgetTimers();
    this.#faults.write.length = 0;
    this.#faults.read.length = 0;
    this.#start();
  }

  /** The stream breaks, and the browser connects again. */
  #cut(): void {
    if (this.#stream === undefined) return;
    this.#wasCut = true;
    this.#stream.cut();
    this.#stream = undefined;
    this.#comeBack();
  }

  #comeBack(): void {
    void this.schedule.step('comes back').then(() => this.#connect());
  }

  async #connect(): Promise<void> {
    const life = this.#life;
    const page = this.#page;
    if (page === undefined || life?.gateway.state !== 'open' || this.#stream !== undefined) return;
    const { host } = life;
    if (host === undefined) return;
    const { byTicket, topics: named, start } = page.query;
    if (byTicket && this.#ticket === '') this.#ticket = await life.gateway.createTicket({ userId: 'ann' });
    if (this.#life !== life || this.#stream !== undefined) return;
    const query = [...(byTicket ? [`ticket=${this.#ticket}`] : []), start, ...named.map((topic) => `topic=${topic}`)];
    const user = byTicket ? 'ann' : this.#user;
    const headers = {
      ...(user === undefined ? {} : { user }),
      ...(page.id === '' ? {} : { 'last-event-id': page.id }),
    };
    const handshake = { transport: 'sse', url: `/?${query.join('&')}`, headers, address: '', protocols: [] };
    const stream = new SimulatedStream(handshake, '', this.schedule, {
      heard: (frame) => page.heard(frame),
      ended: () => {
        if (this.#stream !== stream) return;
        this.#stream = undefined;
        this.#comeBack();
      },
      over: () => {
        if (life.alive) page.over(user);
      },
    });
    this.#stream = stream;
    if (this.#isStalled) stream.stall();
    page.connects(user);
    const admission = await host.admit(handshake, new AbortController().signal);
    if (!life.alive) return;
    if (admission.accepted) stream.listener = admission.connect(stream);
    else this.#refused(admission.status, stream);
  }

  /** A refusal ends an `EventSource` for good. A page whose ticket was used without an id fetches another one. */
  #refused(status: number, stream: SimulatedStream): void {
    const isUsed = status === 401 && this.#page?.query.byTicket === true && this.#page.id === '';
    this.checks.hold('P3', isUsed, () => `it is refused with ${status}`);
    if (this.#stream !== stream) return;
    this.#ticket = '';
    this.#stream = undefined;
    this.#comeBack();
  }

  #make(command: Command): Promise<unknown> | undefined {
    switch (command.do) {
      case 'open':
        this.#open(command);
        return undefined;
      case 'publish':
        for (let count = 0; count < command.count; count++) {
          this.#serials += 1;
          this.#life?.bus.publish(command.topic, { serial: this.#serials }).catch(() => undefined);
        }
        return undefined;
      case 'fault':
        this.#faults[command.kind].push(command.fault);
        return undefined;
      case 'advance':
        this.#time.advance(command.ms);
        return undefined;
      case 'log-in':
        this.#user = command.user;
        return undefined;
      case 'cut':
        this.#cut();
        return undefined;
      case 'stall':
        this.#isStalled = true;
        this.#stream?.stall();
        return undefined;
      case 'drain':
        this.#isStalled = false;
        this.#stream?.drain();
        return undefined;
      case 'crash':
        this.#crash();
        return undefined;
      case 'rest':
        return new Promise(() => undefined);
    }
  }

  #open(command: OpenCommand): void {
    this.#page = new Page(command, this.#ledger, this.checks);
    void this.#connect();
  }

  #failed(error: unknown): void {
    this.checks.hold('P3', isHexbusError(error) && error.retryable, () =>
      error instanceof Error ? (error.stack ?? error.message) : String(error),
    );
  }

  async #makeAll(commands: readonly IssuedAs<Command>[]): Promise<void> {
    let next = 0;
    const issue = (): void => {
      if (next >= commands.length) return;
      void this.schedule.step('command').then(() => {
        let gate: Promise<unknown> | undefined;
        do gate = this.#make(commands[next++]!.command);
        while (gate === undefined && commands[next]?.joined === true);
        if (gate === undefined) issue();
      });
    };
    for (;;) {
      issue();
      await this.#comeToRest();
      this.#atRest();
      if (next >= commands.length) return;
    }
  }

  /** Makes steps until nothing is left to do. Time passes where nothing else can happen. */
  async #comeToRest(): Promise<void> {
    let steps = 0;
    await promisesSettled();
    while (this.schedule.pending > 0 || this.#time.advanceToTimer()) {
      await this.schedule.next();
      this.checks.raise();
      steps += 1;
      if (steps > 20 * maxStepsPerCommand) throw new PropertyViolation('livelock', `still busy after ${steps} steps`);
    }
  }

  #atRest(): void {
    this.checks.hold('livelock', true, () => '');
    if (this.#stream !== undefined && !this.#isStalled) this.#page?.atRest(this.#wasCut ? 'P14' : 'P3');
    this.checks.raise();
  }
}
