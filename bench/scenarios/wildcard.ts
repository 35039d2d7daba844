import { createBus } from '@hexbus/core';
import eventemitter2 from 'eventemitter2';
import type { Contestant, Scenario } from '../harness.ts';
import { distinctListeners, expectSum, type NoteListener, note, type Sink } from '../listeners.ts';
import { nanosecondsEach } from '../measure.ts';

const topics = Array.from({ length: 1000 }, (_, index) => `shop.order${index}.created`);

/** Two listeners are hit by each emit; the emits go round all topics. */
function hitting(setUp: (first: NoteListener, second: NoteListener) => (topic: string) => unknown): Contestant {
  return async (_, effort) => {
    const sink: Sink = { sum: 0 };
    const [first, second] = distinctListeners(2, sink) as [NoteListener, NoteListener];
    const emitTo = setUp(first, second);
    let emitted = 0;
    const figure = await nanosecondsEach((times) => {
      for (let index = 0; index < times; index++) emitTo(topics[(emitted + index) % topics.length] as string);
      emitted += times;
    }, effort);
    expectSum(sink, emitted * 2);
    return figure;
  };
}

export const wildcard: Scenario = {
  name: 'wildcard',
  title: 'emit to patterns: 1,000 topics, 2 listeners hit',
  unit: 'ns per emit',
  about:
    'The listeners are subscribed to `shop.*.created` and to `shop.>` (eventemitter2: `shop.**`), or both to each of the 1,000 topics by name. Emits go round the topics.',
  variants: ['1,000 topics'],
  contestants: {
    'Map of arrays, by name (floor)': hitting((first, second) => {
      const lists = new Map(topics.map((topic) => [topic, [first, second]]));
      return (topic) => {
        const listeners = lists.get(topic) ?? [];
        for (let index = 0; index < listeners.length; index++) listeners[index]?.(note);
      };
    }),
    'eventemitter2, patterns': hitting((first, second) => {
      const emitter = new eventemitter2.EventEmitter2({ wildcard: true, delimiter: '.' });
      emitter.on('shop.*.created', first);
      emitter.on('shop.**', second);
      return (topic) => emitter.emit(topic, note);
    }),
    'hexbus emit, by name': hitting((first, second) => {
      const bus = createBus();
      bus.subscribe(topics, first);
      bus.subscribe(topics, second);
      return (topic) => bus.emit(topic, note.body);
    }),
    'hexbus emit, patterns': hitting((first, second) => {
      const bus = createBus();
      bus.subscribe('shop.*.created', first);
      bus.subscribe('shop.>', second);
      return (topic) => bus.emit(topic, note.body);
    }),
  },
  goals: [
    {
      contestant: 'hexbus emit, patterns',
      variant: '1,000 topics',
      against: { contestant: 'hexbus emit, by name' },
      atMost: 1.15,
    },
    {
      contestant: 'hexbus emit, patterns',
      variant: '1,000 topics',
      against: { contestant: 'eventemitter2, patterns' },
      atMost: 1 / 7.5,
    },
  ],
};
