import { type BridgeResult, createBus, createMessageBridge, type MessageRoute, type MessageSource } from '@hexbus/core';
import { describe, expectTypeOf, test } from 'vitest';

interface Events {
  'order.created': { orderId: string };
  OrderStepCalculated: { step: number };
}

const bus = createBus<Events>();
const source = {} as MessageSource;

describe('a source', () => {
  test('is a bus with or without an event map, and what hands over bodies', () => {
    expectTypeOf(createBus()).toExtend<MessageSource>();
    expectTypeOf(bus).toExtend<MessageSource>();
    expectTypeOf<{
      on(type: string, handler: (message: { body: string }) => unknown): () => void;
    }>().toExtend<MessageSource>();
  });

  test('is nothing that hands over something else', () => {
    expectTypeOf<{ on(type: string): void }>().toExtend<MessageSource>();
    expectTypeOf<{ subscribe(type: string): void }>().not.toExtend<MessageSource>();
    expectTypeOf<{ on(type: string, handler: (text: string) => void): void }>().not.toExtend<MessageSource>();
  });
});

describe('a bridge', () => {
  test('knows the topics of the event map', () => {
    createMessageBridge(bus, {
      source,
      messages: [{ type: 'Step', topic: 'OrderStepCalculated', saveHistory: true }],
      afterPublish(topic, body, result, config) {
        expectTypeOf(topic).toEqualTypeOf<keyof Events>();
        expectTypeOf(body).toEqualTypeOf<unknown>();
        expectTypeOf(result).toEqualTypeOf<BridgeResult>();
        expectTypeOf(config).toEqualTypeOf<MessageRoute<keyof Events>>();
      },
    });
    // @ts-expect-error a topic that there is not
    createMessageBridge(bus, { source, messages: [{ type: 'Step', topic: 'OrderStep' }] });
    createMessageBridge(createBus(), { source: bus, messages: [{ type: 'order.created', topic: 'any' }] });
  });

  test('lets beforePublish answer with a body, a flag or nothing, at once', () => {
    const messages = [{ type: 'Step', topic: 'any' }];
    const untyped = createBus();
    createMessageBridge(untyped, { source, messages, beforePublish: (_, body) => ({ body }) });
    createMessageBridge(untyped, { source, messages, beforePublish: (_, body) => body !== 'x' });
    createMessageBridge(untyped, { source, messages, beforePublish: () => {} });
    // @ts-expect-error later
    createMessageBridge(untyped, { source, messages, beforePublish: async () => ({ body: 1 }) });
    // @ts-expect-error something else
    createMessageBridge(untyped, { source, messages, beforePublish: () => 'x' });
  });

  test('tells results apart by their status', () => {
    const result = {} as BridgeResult;
    if (result.status === 'handled') expectTypeOf(result.results).toEqualTypeOf<readonly unknown[]>();
    if (result.status === 'dead') expectTypeOf(result.reason).toEqualTypeOf<string>();
    if (result.status === 'dropped')
      expectTypeOf(result.why).toEqualTypeOf<'no-listener' | 'vetoed' | 'refused' | 'bound'>();
  });
});
