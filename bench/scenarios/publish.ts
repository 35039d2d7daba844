import Emittery from 'emittery';
import type { Contestant, Effort, Scenario } from '../harness.ts';
import { distinctListeners, expectSum, type NoteListener, note, type Sink } from '../listeners.ts';
import { nanosecondsEach } from '../measure.ts';
import { openRetainedBus, publishInBursts } from '../retained-bus.ts';

const topic = note.topic;
const body = { step: 1, order: 'A-1001', customer: { id: 7, name: 'Ann' }, lines: [{ item: 'tea', count: 2 }] };

interface Setup {
  publish(): Promise<unknown>;
  /** Resolves when the listeners have seen everything. */
  settled(): Promise<unknown>;
}

const burstSize = 100;

function subscribersIn(variant: string): number {
  return Number.parseInt(variant, 10);
}

/** Publishes in bursts of 100 a turn or one by one, as the variant says, and is checked to have reached every subscriber. */
function publishing(setUp: (listeners: readonly NoteListener[]) => Setup | Promise<Setup>): Contestant {
  return async (variant: string, effort: Effort) => {
    const sink: Sink = { sum: 0 };
    const count = subscribersIn(variant);
    const { publish, settled } = await setUp(distinctListeners(count, sink));
    const burst = variant.endsWith('burst') ? burstSize : 1;
    let published = 0;
    const work = async (times: number): Promise<void> => {
      published += times;
      await publishInBursts(publish, times, burst);
      await settled();
    };
    const figure = await nanosecondsEach(work, effort, burst);
    expectSum(sink, published * count);
    return figure;
  };
}

/** What any history in memory does at the least: encodes, keeps, calls. Old texts go as in a history of 10,000 messages. */
class BareLog {
  #texts: string[] = [];
  readonly #listeners: readonly NoteListener[];

  constructor(listeners: readonly NoteListener[]) {
    this.#listeners = listeners;
  }

  append(): void {
    this.#texts.push(JSON.stringify(body));
    if (this.#texts.length === 20_000) this.#texts = this.#texts.slice(10_000);
    for (let index = 0; index < this.#listeners.length; index++) this.#listeners[index]?.({ body });
  }
}

const done = Promise.resolve();

const subscribed = [0, 1, 10];

export const publish: Scenario = {
  name: 'publish',
  title: 'publish to a retained topic, history in memory, 0, 1 and 10 subscriptions',
  unit: 'ns per publish',
  about:
    'A body of 89 bytes as JSON, `maxCount` 10,000. `burst`: 100 publishes a turn, of which the last is awaited; `one by one`: each is awaited, which costs a turn of the event ' +
    'loop. Time ends when all subscriptions have caught up. The floor is a synchronous array push, JSON.stringify and a loop over the listeners; `one promise each, flushed next turn` ' +
    'is the same with what publishing by turns needs at the least. Peers keep nothing and encode nothing.',
  variants: subscribed.flatMap((count) => [`${count}, burst`, `${count}, one by one`]),
  contestants: {
    'push, stringify, loop (floor)': publishing((listeners) => {
      const log = new BareLog(listeners);
      return {
        publish: () => {
          log.append();
          return done;
        },
        settled: () => done,
      };
    }),
    'the same, one promise each, flushed next turn': publishing((listeners) => {
      const log = new BareLog(listeners);
      let waiting: (() => void)[] = [];
      const flush = (): void => {
        const flushed = waiting;
        waiting = [];
        for (const resolve of flushed) {
          log.append();
          resolve();
        }
      };
      return {
        publish: () =>
          new Promise<void>((resolve) => {
            if (waiting.push(resolve) === 1) setImmediate(flush);
          }),
        settled: () => done,
      };
    }),
    emittery: publishing((listeners) => {
      const emitter = new Emittery<Record<string, typeof body>>();
      for (const listener of listeners) emitter.on(topic, ({ data }) => listener({ body: data }));
      return { publish: () => emitter.emit(topic, body), settled: () => done };
    }),
    'hexbus publish': publishing(async (listeners) => {
      const bus = await openRetainedBus();
      const subscriptions = listeners.map((listener) => bus.subscribe(topic, listener));
      await Promise.all(subscriptions.map(({ ready }) => ready));
      return {
        publish: () => bus.publish(topic, body),
        settled: () => Promise.all(subscriptions.map((subscription) => subscription.caughtUp())),
      };
    }),
  },
  goals: [],
};
