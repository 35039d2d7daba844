import { EventEmitter as NodeEmitter } from 'node:events';
import { createBus } from '@hexbus/core';
import Emittery from 'emittery';
import eventemitter2 from 'eventemitter2';
import { EventEmitter as EventEmitter3 } from 'eventemitter3';
import mitt from 'mitt';
import { createNanoEvents } from 'nanoevents';
import type { Contestant, Scenario } from '../harness.ts';
import { distinctListeners, expectSum, type NoteListener, note, type Sink } from '../listeners.ts';
import { nanosecondsEach, type Work } from '../measure.ts';

const topic = note.topic;

/** Its types describe the CommonJS form, in which the function lies one level deeper. */
const createMitt = mitt as unknown as typeof mitt.default;

interface Setup {
  /** Emits so often. */
  readonly emit: Work;
}

/** A contestant that is set up with listeners, emits to them, and is checked to have called them all. */
function emitting(setUp: (listeners: readonly NoteListener[]) => Setup): Contestant {
  return async (variant, effort) => {
    const sink: Sink = { sum: 0 };
    const count = Number(variant);
    const { emit } = setUp(distinctListeners(count, sink));
    let emitted = 0;
    const work: Work = (times) => {
      emitted += times;
      return emit(times);
    };
    const figure = await nanosecondsEach(work, effort);
    expectSum(sink, emitted * count);
    return figure;
  };
}

/** An emitter with the habits of Node's. */
interface Emitter {
  on(topic: string, listener: NoteListener): unknown;
  emit(topic: string, message: typeof note): unknown;
}

function habitual(create: () => Emitter): Contestant {
  return emitting((listeners) => {
    const emitter = create();
    for (const listener of listeners) emitter.on(topic, listener);
    return {
      emit: (times) => {
        for (let index = 0; index < times; index++) emitter.emit(topic, note);
      },
    };
  });
}

function call(listeners: readonly NoteListener[]): void {
  for (let index = 0; index < listeners.length; index++) (listeners[index] as NoteListener)(note);
}

const failures: unknown[] = [];

function callIsolated(listeners: readonly NoteListener[]): void {
  for (let index = 0; index < listeners.length; index++) {
    try {
      (listeners[index] as NoteListener)(note);
    } catch (error) {
      failures.push(error);
    }
  }
}

function looping(calling: (listeners: readonly NoteListener[]) => void, byTopic: boolean): Contestant {
  return emitting((listeners) => {
    const lists = new Map([[topic, listeners]]);
    return {
      emit: (times) => {
        for (let index = 0; index < times; index++) calling(byTopic ? (lists.get(topic) ?? []) : listeners);
      },
    };
  });
}

type HexbusVerb = 'subscribe' | 'on';

function hexbus(verb: HexbusVerb): Contestant {
  return emitting((listeners) => {
    const bus = createBus();
    for (const listener of listeners) bus[verb](topic, listener);
    return {
      emit: (times) => {
        for (let index = 0; index < times; index++) bus.emit(topic, note.body);
      },
    };
  });
}

export const emit: Scenario = {
  name: 'emit',
  title: 'emit to 1, 10 and 100 listeners',
  unit: 'ns per emit',
  about:
    'Each listener has code of its own, takes one argument and reads a number out of `message.body`. Peers are handed one message made beforehand; hexbus ' +
    'is handed the body, makes the message, and isolates each listener from the errors of the others. emittery is awaited, since it calls nobody before.',
  variants: ['1', '10', '100'],
  contestants: {
    'loop over an array (floor)': looping(call, false),
    'loop, Map look-up, try/catch': looping(callIsolated, true),
    eventemitter3: habitual(() => new EventEmitter3()),
    'node:events': habitual(() => new NodeEmitter().setMaxListeners(0)),
    nanoevents: habitual(() => createNanoEvents()),
    mitt: habitual(() => createMitt<Record<string, typeof note>>()),
    eventemitter2: habitual(() => new eventemitter2.EventEmitter2({ maxListeners: 0 })),
    emittery: emitting((listeners) => {
      const emitter = new Emittery<Record<string, typeof note>>();
      for (const listener of listeners) emitter.on(topic, ({ data }) => listener(data));
      return {
        emit: async (times) => {
          for (let index = 0; index < times; index++) await emitter.emit(topic, note);
        },
      };
    }),
    'hexbus emit, subscribe()': hexbus('subscribe'),
    'hexbus emit, on()': hexbus('on'),
  },
  goals: [
    { contestant: 'hexbus emit, subscribe()', variant: '1', atMost: 8 },
    { contestant: 'hexbus emit, subscribe()', variant: '1', against: { contestant: 'eventemitter3' }, atMost: 1.1 },
    {
      contestant: 'hexbus emit, subscribe()',
      variant: '10',
      against: { contestant: 'loop over an array (floor)' },
      atMost: 1.35,
    },
    { contestant: 'hexbus emit, subscribe()', variant: '10', against: { contestant: 'eventemitter3' }, atMost: 0.88 },
    {
      contestant: 'hexbus emit, subscribe()',
      variant: '10',
      against: { contestant: 'eventemitter3' },
      atMost: 1.3,
      note: 'must',
    },
    {
      contestant: 'hexbus emit, subscribe()',
      variant: '100',
      against: { contestant: 'loop over an array (floor)' },
      atMost: 1.1,
    },
  ],
};
