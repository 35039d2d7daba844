import type * as core from '@hexbus/core';
import type { BridgeResult, Bus, MessageBridge, ObserverEvents, Randomness } from '@hexbus/core';
import { createSeededRandomness } from '@hexbus/testkit';
import type { Scheduler } from 'fast-check';
import { type Place, simulatedPlace } from '../properties/places.ts';
import { promisesSettled, Schedule, SimulatedTime } from '../properties/schedule.ts';
import { type Fault, ScheduledHistory } from '../properties/scheduled-history.ts';
import type { Behaviour, BridgeCommand } from './bridge-commands.ts';
import { SerialSource } from './serial-source.ts';

/** What a run takes of core; a mutant brings its own. */
export type BridgeCore = Pick<typeof core, 'createBus' | 'createMessageBridge'>;

interface Life {
  readonly bus: Bus;
  readonly history: ScheduledHistory;
  bridge: MessageBridge;
  alive: boolean;
}

interface Told {
  readonly serial: number;
  readonly type: string;
  readonly result: BridgeResult;
}

const maxSteps = 4_000;

/** One page with its source, its bus and its bridge, through all its reloads; and what is known of every message. */
export class BridgeWorld {
  readonly schedule: Schedule;
  readonly #core: BridgeCore;
  readonly #time: SimulatedTime;
  readonly #randomness: Randomness = createSeededRandomness(1);
  readonly #place: Place;
  readonly #source: SerialSource;
  readonly #faults: Fault[] = [];
  /** What afterPublish was told, and what the bus said that had ended while a bridge was open. */
  readonly #told: Told[] = [];
  readonly #expected: Told[] = [];
  readonly #ended = new Map<number, number>();
  /** What some listener has settled in its own right, so that it may end while nobody can be told. */
  readonly #done = new Set<number>();
  /** What reached listeners in a page that died before it could tell how that ended. */
  readonly #untold = new Set<number>();
  #life: Life | undefined;
  #reloading = false;
  #violation: Error | undefined;
  #listeners = 0;
  readonly #detach: (() => void)[] = [];

  constructor(scheduler: Scheduler, core: BridgeCore) {
    this.#core = core;
    this.schedule = new Schedule(scheduler);
    this.#time = new SimulatedTime(this.schedule);
    this.#place = simulatedPlace(this.#randomness);
    const clock = this.#time.clockFor(() => true);
    this.#source = new SerialSource({
      step: (label) => this.schedule.step(label),
      beforeRetry: () => new Promise((resolve) => void clock.setTimer(resolve, 100)),
    });
  }

  async run(commands: readonly BridgeCommand[]): Promise<void> {
    this.#begin();
    let next = 0;
    const issue = (): void => {
      const command = commands[next++];
      if (command === undefined) return;
      void this.schedule.step('command').then(() => {
        this.#make(command);
        issue();
      });
    };
    issue();
    await this.#comeToRest();
    this.#make({ do: 'attach', topic: 'step', maxTries: 1, script: [] });
    await this.#comeToRest();
    await this.#checkEnd();
  }

  #make(command: BridgeCommand): void {
    switch (command.do) {
      case 'arrive':
        for (const type of command.types) this.#source.arrive(type);
        return;
      case 'repeat':
        this.#source.repeat(command.count, ['Step', 'Done']);
        return;
      case 'attach':
        this.#attach(command.topic, command.maxTries, [...command.script]);
        return;
      case 'detach':
        this.#detach.splice(command.pick % Math.max(1, this.#detach.length), 1)[0]?.();
        return;
      case 'fault':
        this.#faults.push(command.fault);
        return;
      case 'reopen bridge':
        void this.#reopenBridge();
        return;
      case 'reload':
        void this.#reload(command.busFirst);
        return;
      case 'crash':
        this.#crash();
    }
  }

  /** The page is loaded. */
  #begin(): void {
    const clock = this.#time.clockFor(() => life.alive);
    const history = new ScheduledHistory(this.#place.create(clock), this.schedule, {
      onWritten: () => undefined,
      onAcknowledged: () => undefined,
      onOpened: () => undefined,
      onLocated: () => undefined,
      nextFault: (kind) => (kind === 'write' ? this.#faults.shift() : undefined),
      maxPage: 3,
    });
    const topics = { step: { retain: 'until-handled' } } as const;
    const bus = this.#core.createBus({ history, topics, clock, randomness: this.#randomness, retryDelayMs: 10 });
    const life: Life = { bus, history, bridge: this.#bridgeTo(bus), alive: true };
    this.#life = life;
    bus.observe('handled', (event) => this.#hasEnded(life, event, { status: 'handled', results: event.results }));
    bus.observe('dead', (event) => this.#hasEnded(life, event, { status: 'dead', reason: event.reason }));
    void bus.open();
    void life.bridge.open();
  }

  #bridgeTo(bus: Bus): MessageBridge {
    const bridge: MessageBridge = this.#core.createMessageBridge(bus, {
      source: this.#source,
      messages: [
        { type: 'Step', topic: 'step', saveHistory: true },
        { type: 'Done', topic: 'step', saveHistory: true },
        { type: 'Hint', topic: 'hint' },
      ],
      afterPublish: (_, body, result, { type }) => {
        this.#hold(bridge.state !== 'closed', 'B6: a closed bridge tells of the end of a message');
        if (this.#life?.bus !== bus) return;
        this.#told.push({ serial: (body as { serial: number } | undefined)?.serial ?? 0, type, result });
      },
    });
    return bridge;
  }

  async #reopenBridge(): Promise<void> {
    const life = this.#life;
    if (this.#reloading || life === undefined || life.bridge.state !== 'open') return;
    const { bridge, bus } = life;
    await bridge.close();
    // The page may be on its way out by now.
    if (this.#life !== life || life.bridge !== bridge || bus.state === 'closing' || bus.state === 'closed') return;
    life.bridge = this.#bridgeTo(bus);
    await life.bridge.open();
  }

  async #reload(busFirst: boolean): Promise<void> {
    const life = this.#life;
    if (this.#reloading || life?.bus.state !== 'open') return;
    this.#reloading = true;
    this.#detach.length = 0;
    if (busFirst) await life.bus.close();
    await life.bridge.close();
    await life.bus.close();
    this.#reloading = false;
    this.#begin();
  }

  #crash(): void {
    const life = this.#life;
    if (this.#reloading || life?.bus.state !== 'open') return;
    for (const { serial, type } of this.#source.accepted) {
      const isTold = this.#told.some((one) => one.serial === serial);
      if (type === 'Hint' && !isTold) this.#untold.add(serial);
    }
    life.alive = false;
    life.history.abandon();
    this.#source.die();
    this.#detach.length = 0;
    this.#begin();
  }

  #attach(topic: 'step' | 'hint', maxTries: number, script: Behaviour[]): void {
    const life = this.#life;
    if (life?.bus.state !== 'open') return;
    const label = `L${++this.#listeners}`;
    let last = 0;
    const subscription = life.bus.subscribe(
      topic,
      async ({ body }, { attempt }) => {
        const { serial } = body as { serial: number };
        if (attempt === 1) {
          this.#hold(serial > last, `B2: ${label} gets message ${serial} after ${last}`);
          last = serial;
        }
        const behaviour = script.shift();
        if (behaviour === 'slow') await this.schedule.step('slow listener');
        if (!life.alive) return undefined;
        if (behaviour === 'leave') subscription.unsubscribe();
        if (topic === 'step' && (behaviour !== 'throw' || attempt >= maxTries)) this.#done.add(serial);
        if (behaviour === 'throw') throw new Error('planted');
        return `${label} ${serial}`;
      },
      { maxTries },
    );
    this.#detach.push(() => subscription.unsubscribe());
  }

  #hasEnded(life: Life, event: ObserverEvents['handled' | 'dead'], how: BridgeResult): void {
    const serial = this.#source.serialOf(event.id);
    const times = (this.#ended.get(serial) ?? 0) + 1;
    this.#ended.set(serial, times);
    this.#hold(times === 1, `B4: message ${serial} ended ${times} times`);
    if (!life.alive || life.bridge.state === 'closed' || life.bridge.state === 'idle') return;
    const { id, position } = event;
    const type = this.#source.typeOf(serial);
    this.#expected.push({ serial, type, result: { ...how, id, position: position ?? 0 } });
  }

  #hold(holds: boolean, what: string): void {
    if (!holds) this.#violation ??= new Error(what);
  }

  /** Makes steps until nothing is left to do. Time passes where nothing else can happen. */
  async #comeToRest(): Promise<void> {
    const start = this.schedule.steps;
    await promisesSettled();
    while (this.schedule.pending > 0 || this.#time.advanceToTimer()) {
      await this.schedule.next();
      if (this.#violation !== undefined) throw this.#violation;
      if (this.schedule.steps - start > maxSteps) throw new Error(`B0: still busy after ${maxSteps} steps`);
    }
    this.#checkTold();
    if (this.#violation !== undefined) throw this.#violation;
  }

  #checkTold(): void {
    const saved = this.#told.filter(({ type }) => type !== 'Hint');
    const [told, expected] = [JSON.stringify(saved), JSON.stringify(this.#expected)];
    this.#hold(
      sameEntries(saved, this.#expected),
      `B3: afterPublish was told\n${told}\nbut what ended is\n${expected}`,
    );
    for (const { serial, type } of this.#source.accepted) {
      if (type !== 'Hint') continue;
      const times = this.#told.filter((one) => one.serial === serial).length;
      this.#hold(
        times === 1 || (times === 0 && this.#untold.has(serial)),
        `B5: afterPublish was told ${times} times of message ${serial}, which is not saved`,
      );
    }
  }

  async #checkEnd(): Promise<void> {
    this.#hold(this.#source.waiting === 0, `B1: ${this.#source.waiting} messages are never accepted`);
    for (const { serial, type } of this.#source.accepted) {
      if (type === 'Hint') continue;
      const ended = this.#ended.has(serial) || this.#done.has(serial);
      this.#hold(ended, `B1: message ${serial} was accepted, but never ended`);
    }
    if (this.#violation !== undefined) throw this.#violation;
  }
}

/** Whatever the order of their fields. */
function sameEntries(some: readonly Told[], others: readonly Told[]): boolean {
  const text = ({ serial, type, result }: Told): string =>
    JSON.stringify([serial, type, Object.entries(result).sort(([a], [b]) => (a < b ? -1 : 1))]);
  return some.map(text).join() === others.map(text).join();
}
