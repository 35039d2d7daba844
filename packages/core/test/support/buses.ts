import {
  type Bus,
  type BusOptions,
  createBus,
  type HistoryStore,
  type ObserverEvents,
  type WriteBatch,
  type WriteResult,
} from '@hexbus/core';
import { createMemoryHistory } from '@hexbus/store-memory';
import {
  createEventLog,
  createHistoryProbe,
  createSeededRandomness,
  createVirtualClock,
  type EventLog,
  type HistoryProbe,
  type VirtualClock,
} from '@hexbus/testkit';
import { afterEach, beforeEach, expect } from 'vitest';

export interface TestBusOptions extends Omit<BusOptions, 'clock' | 'randomness'> {
  /** `real` (default): turns run by themselves. `manual`: the test runs them. Timers never run by themselves. */
  readonly turns?: 'manual' | 'real';
  /** Nothing is retained. */
  readonly withoutHistory?: boolean;
}

/** A bus on a virtual clock, and what a test wants to know of it. */
export interface TestBus {
  readonly bus: Bus;
  readonly clock: VirtualClock;
  readonly log: EventLog;
  /** The history, to fail or hold its answers. */
  readonly probe: HistoryProbe;
  /** Every batch that was handed to the history. */
  readonly batches: readonly WriteBatch[];
  /** The next batch is handed to `trouble`, which may write it, now or later, or fail. */
  onNextWrite(trouble: WriteTrouble): void;
  /** What the `error` observer was told since the last call. An error that no test takes fails the test. */
  takeErrors(): ObserverEvents['error'][];
  /** Runs everything that can run without time passing. */
  settled(): Promise<void>;
}

export type WriteTrouble = (proceed: () => Promise<WriteResult>) => Promise<WriteResult>;

export interface Buses {
  /** A bus that is not open yet. */
  make(options?: TestBusOptions): TestBus;
  open(options?: TestBusOptions): Promise<TestBus>;
}

/** What the buses of these tests retain, unless a test says otherwise. */
export const usualTopics = {
  'order.>': { retain: { maxCount: 1000 } },
  'log.>': { retain: { maxCount: 3 } },
  'job.>': { retain: 'until-handled' },
} as const;

interface Made extends TestBus {
  readonly wasHistoryOpened: () => boolean;
}

/**
 * Makes buses for the tests of one file. After each test every bus is closed and must have left nothing behind: no timer, no turn, no open store, no
 * error that the test did not expect, and no rejection that nobody heard.
 */
export function useBuses(): Buses {
  let made: Made[] = [];
  let unhandled: unknown[] = [];
  const hear = (reason: unknown): void => void unhandled.push(reason);

  beforeEach(() => {
    made = [];
    unhandled = [];
    process.on('unhandledRejection', hear);
  });

  afterEach(async () => {
    for (const one of made) await expectNothingLeft(one);
    process.off('unhandledRejection', hear);
    expect(unhandled).toEqual([]);
  });

  const make = (options: TestBusOptions = {}): TestBus => {
    const one = makeBus(options, made.length);
    made.push(one);
    return one;
  };
  return {
    make,
    async open(options) {
      const one = make(options);
      await one.bus.open();
      return one;
    },
  };
}

function makeBus({ turns = 'real', withoutHistory = false, history, ...options }: TestBusOptions, seed: number): Made {
  const clock = createVirtualClock({ turns });
  const randomness = createSeededRandomness(seed);
  const batches: WriteBatch[] = [];
  const troubles: WriteTrouble[] = [];
  let wasOpened = false;
  const opened = (): void => {
    wasOpened = true;
  };
  const inner = history ?? createMemoryHistory({ clock, randomness });
  const probe = createHistoryProbe(recorded(inner, batches, troubles, opened));
  const bus = createBus({
    ...(withoutHistory ? {} : { history: probe.store, topics: usualTopics }),
    ...options,
    clock,
    randomness,
  });
  const errors: ObserverEvents['error'][] = [];
  bus.observe('error', (event) => errors.push(event));
  return {
    bus,
    clock,
    log: createEventLog(),
    probe,
    batches,
    onNextWrite: (trouble) => void troubles.push(trouble),
    wasHistoryOpened: () => wasOpened,
    takeErrors: () => errors.splice(0),
    settled: () => clock.runAll(),
  };
}

function recorded(
  inner: HistoryStore,
  batches: WriteBatch[],
  troubles: WriteTrouble[],
  opened: () => void,
): HistoryStore {
  return {
    name: inner.name,
    capabilities: inner.capabilities,
    async open(options) {
      const head = await inner.open(options);
      opened();
      return head;
    },
    write(batch) {
      batches.push(batch);
      const trouble = troubles.shift();
      return trouble === undefined ? inner.write(batch) : trouble(() => inner.write(batch));
    },
    read: (query) => inner.read(query),
    locate: (query) => inner.locate(query),
    loadCursor: (name) => inner.loadCursor(name),
    summarize: (topic) => inner.summarize(topic),
    close: () => inner.close(),
  };
}

async function expectNothingLeft({ bus, clock, probe, wasHistoryOpened, takeErrors }: Made): Promise<void> {
  let closed = false;
  const closing = bus.close().then(() => {
    closed = true;
  });
  // Time passes only for what still hangs in a handler.
  await clock.runAll();
  if (!closed) await clock.advance(10_000);
  await closing;
  await clock.runAll();
  expect(bus.state).toBe('closed');
  expect({ timers: clock.pendingTimers, turns: clock.pendingTurns }).toEqual({ timers: 0, turns: 0 });
  if (wasHistoryOpened()) {
    expect(probe.calls.filter((call) => call === 'close').length, 'closings of the store').toBeGreaterThan(0);
  }
  expect(takeErrors()).toEqual([]);
}

/** What the promise rejected with; fails if it resolved. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('the promise should have rejected, but resolved');
}

/** What the call threw; fails if it returned. */
export function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error('the call should have thrown, but returned');
}

/** The same promise, whose rejection is awaited later. */
export function heard<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
