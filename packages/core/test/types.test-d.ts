import {
  type Bus,
  createBus,
  type DeadLetter,
  type ErrorCode,
  type HandlerContext,
  isHexbusError,
  type Message,
  type ObserverEvents,
  type Page,
  type Receipt,
  type StandardSchema,
  type SubscribeOptions,
  type Subscription,
} from '@hexbus/core';
import { describe, expectTypeOf, test } from 'vitest';
import { z } from 'zod';

interface Events {
  'order.created': { orderId: string };
  'order.paid': { orderId: string; cents: number };
  'order.item.added': { sku: string };
  OrderStepCalculated: { step: number };
  'mouse.moved': { x: number };
  '@user.ann': string;
}

const bus = createBus<Events>();
type Created = Message<{ orderId: string }, 'order.created'>;
type Paid = Message<{ orderId: string; cents: number }, 'order.paid'>;
type Added = Message<{ sku: string }, 'order.item.added'>;
type Step = Message<{ step: number }, 'OrderStepCalculated'>;
type Moved = Message<{ x: number }, 'mouse.moved'>;

/** What the handler of a filter gets. */
type Of<Entry extends Parameters<typeof bus.on>[0]> = Parameters<Parameters<typeof bus.on<Entry>>[1]>[0];

describe('a key that stands for many topics', () => {
  const chat = createBus<{ [room: `room.${string}`]: { text: string }; presence: string[] }>();
  const room: string = 'lobby';

  test('types them all, and what a pattern brings', () => {
    expectTypeOf(chat.publish(`room.${room}`, { text: 'hi' })).resolves.toEqualTypeOf<Receipt>();
    chat.on('room.*', (message) => {
      expectTypeOf(message).toEqualTypeOf<Message<{ text: string }, `room.${string}`>>();
    });
    // @ts-expect-error a body of another type
    void chat.publish(`room.${room}`, { txt: 'hi' });
    // @ts-expect-error an unknown topic
    void chat.publish(`rom.${room}`, { text: 'hi' });
  });
});

describe('publish and emit', () => {
  test('take the topics of the map with their bodies', () => {
    expectTypeOf(bus.publish('order.created', { orderId: '7' })).resolves.toEqualTypeOf<Receipt>();
    expectTypeOf(bus.emit('mouse.moved', { x: 1 })).toEqualTypeOf<boolean>();
    expectTypeOf<Receipt['position']>().toEqualTypeOf<number | undefined>();
  });

  test('do not compile with a topic that is unknown, a pattern, or another body', () => {
    // @ts-expect-error an unknown topic
    void bus.publish('order.payed', { orderId: '7' });
    // @ts-expect-error a pattern
    void bus.publish('order.*', { orderId: '7' });
    // @ts-expect-error a body of another type
    void bus.publish('order.created', { orderId: 7 });
    // @ts-expect-error a body without a property
    bus.emit('order.paid', { orderId: '7' });
    // @ts-expect-error no body
    bus.emit('mouse.moved');
    // @ts-expect-error an option that there is not
    void bus.publish('order.created', { orderId: '7' }, { key: 'x' });
    // @ts-expect-error headers are texts
    void bus.publish('order.created', { orderId: '7' }, { headers: { n: 1 } });
  });
});

describe('a handler gets', () => {
  test('the body of the topic that it subscribes to', () => {
    bus.subscribe('order.created', (message, context) => {
      expectTypeOf(message).toEqualTypeOf<Created>();
      expectTypeOf(message.body.orderId).toBeString();
      expectTypeOf(context).toEqualTypeOf<HandlerContext>();
      // @ts-expect-error messages cannot be changed
      message.body = { orderId: '8' };
    });
    expectTypeOf(bus.subscribe('order.created', () => {})).toEqualTypeOf<Subscription>();
  });

  test('of a pattern the union of what matches', () => {
    expectTypeOf<Of<'order.*'>>().toEqualTypeOf<Created | Paid>();
    expectTypeOf<Of<'order.>'>>().toEqualTypeOf<Created | Paid | Added>();
    expectTypeOf<Of<'*.moved'>>().toEqualTypeOf<Moved>();
    expectTypeOf<Of<'order.*.added'>>().toEqualTypeOf<Added>();
    expectTypeOf<Of<'*.*.added'>>().toEqualTypeOf<Added>();
    expectTypeOf<Of<'*.>'>>().toEqualTypeOf<Created | Paid | Added | Moved>();
    expectTypeOf<Of<'*'>>().toEqualTypeOf<Step>();
    expectTypeOf<Of<'>'>>().toEqualTypeOf<Created | Paid | Added | Step | Moved>();
  });

  test('of a reserved topic what a pattern that writes it out matches', () => {
    expectTypeOf<Of<'@user.*'>>().toEqualTypeOf<Message<string, '@user.ann'>>();
    expectTypeOf<Of<'@user.ann'>>().toEqualTypeOf<Message<string, '@user.ann'>>();
  });

  test('a union that the topic tells apart', () => {
    bus.subscribe('order.*', (message) => {
      if (message.topic === 'order.paid')
        expectTypeOf(message.body).toEqualTypeOf<{ orderId: string; cents: number }>();
      else expectTypeOf(message).toEqualTypeOf<Created>();
      // @ts-expect-error not every one of them has cents
      message.body.cents;
    });
  });

  test('of a list the union of its entries', () => {
    bus.subscribe(['order.created', 'mouse.*'], (message) => {
      expectTypeOf(message).toEqualTypeOf<Created | Moved>();
    });
  });

  test('of a pattern that the map does not know a message of unknown body', () => {
    expectTypeOf<Of<'key.*'>>().toEqualTypeOf<Message>();
  });
});

test('an unknown topic is no filter, since it is not a pattern either', () => {
  // @ts-expect-error an unknown topic
  bus.subscribe('order.payed', () => {});
  // @ts-expect-error an unknown topic in a list
  bus.subscribe(['order.created', 'order.payed'], () => {});
  // @ts-expect-error an unknown topic
  bus.on('order.payed', () => {});
  // @ts-expect-error an unknown topic
  void bus.read('order.payed');
  // @ts-expect-error an unknown topic
  bus.messages('order.payed');
  // @ts-expect-error stats takes a topic, not a pattern
  void bus.stats('order.*');
  // @ts-expect-error a handler of another body
  bus.subscribe('order.created', (message: Message<{ x: number }>) => message);
});

test('messages, read and deadLetters give the same messages', () => {
  expectTypeOf(bus.messages('order.*')).toEqualTypeOf<AsyncIterableIterator<Created | Paid>>();
  expectTypeOf(bus.read(['order.created', 'order.paid'])).resolves.toEqualTypeOf<Page<Created | Paid>>();
  expectTypeOf(bus.deadLetters('OrderStepCalculated')).resolves.toEqualTypeOf<readonly DeadLetter<Step>[]>();
});

test('on, once and off give the bus, so that they can be chained', () => {
  const listener = (message: Created): void => void message.body.orderId;
  expectTypeOf(
    bus
      .on('order.created', listener)
      .once('mouse.moved', ({ body }) => body.x)
      .off('order.created', listener),
  ).toEqualTypeOf<Bus<Events>>();
});

test('a type alias serves as a map as well as an interface', () => {
  type Alias = { a: 1; b: 2 };
  const aliased = createBus<Alias>();
  aliased.subscribe('a', (message) => expectTypeOf(message.body).toEqualTypeOf<1>());
  // @ts-expect-error an unknown topic
  aliased.emit('c', 1);
});

test('without a map every topic is allowed, and bodies are unknown', () => {
  const untyped = createBus();
  expectTypeOf(untyped).toEqualTypeOf<Bus>();
  void untyped.publish('anything.at.all', { any: 'thing' });
  untyped.subscribe('order.*', (message) => {
    expectTypeOf(message).toEqualTypeOf<Message>();
    expectTypeOf(message.body).toBeUnknown();
    // @ts-expect-error what is unknown must be looked at first
    message.body.orderId;
  });
});

test('options are read-only, and each verb takes its own', () => {
  bus.subscribe('order.created', () => {}, {
    from: { last: 3 },
    name: 'n',
    onGap: ({ from }) => expectTypeOf(from).toBeNumber(),
  });
  // @ts-expect-error two starts at once
  bus.subscribe('order.created', () => {}, { from: { last: 3, since: 'x' } });
  // @ts-expect-error an unknown choice
  bus.subscribe('order.created', () => {}, { onFailure: 'retry' });
  expectTypeOf<SubscribeOptions>().toEqualTypeOf<Readonly<SubscribeOptions>>();
  // @ts-expect-error a policy that is none
  createBus({ topics: { a: { retain: 'always' } } });
  // @ts-expect-error an option that there is not
  createBus({ retry: 3 });
});

test('validators of zod fit', () => {
  expectTypeOf(z.object({ orderId: z.string() })).toExtend<StandardSchema>();
  createBus({ topics: { a: { schema: z.string() } } });
});

test('observers get the event of their name', () => {
  bus.observe('retried', (event) => expectTypeOf(event).toEqualTypeOf<ObserverEvents['retried']>());
  bus.observe('error', ({ message }) => expectTypeOf(message?.topic).toEqualTypeOf<string | undefined>());
  // @ts-expect-error an unknown event
  bus.observe('publish', () => {});
});

test('isHexbusError narrows, and codes are a closed list', () => {
  const error: unknown = undefined;
  if (isHexbusError(error)) expectTypeOf(error.code).toEqualTypeOf<ErrorCode>();
  // @ts-expect-error a code that there is not
  isHexbusError(error, 'HEXBUS_NOPE');
});

test('a bus is disposable', () => {
  expectTypeOf(bus).toExtend<AsyncDisposable>();
});
