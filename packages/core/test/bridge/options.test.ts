import { createBus, createMessageBridge, type MessageBridgeOptions } from '@hexbus/core';
import { createMemoryHistory } from '@hexbus/store-memory';
import { expect, test } from 'vitest';
import { thrownBy } from '../support/buses.ts';
import { createFakeSource } from './fake-source.ts';

const bus = createBus({
  history: createMemoryHistory(),
  topics: { 'held.>': { retain: 'until-handled' }, 'kept.>': { retain: { maxCount: 1 } } },
});
const source = createFakeSource();
const messages = [{ type: 'A', topic: 'held.a', saveHistory: true }];
const valid: MessageBridgeOptions = { source, messages };

test.each<[string, unknown, string]>([
  ['no source', { ...valid, source: undefined }, 'source'],
  ['a source without on', { ...valid, source: {} }, 'source'],
  ['the bus itself as its source', { ...valid, source: bus }, 'source'],
  ['no messages', { source }, 'messages'],
  ['an empty list', { source, messages: [] }, 'messages'],
  ['an entry that is none', { source, messages: ['A'] }, 'messages[0]'],
  ['no type', { source, messages: [...messages, { topic: 'a' }] }, 'messages[1].type'],
  ['a long type', { source, messages: [{ type: 'x'.repeat(513), topic: 'a' }] }, 'messages[0].type'],
  ['no topic', { source, messages: [{ type: 'A' }] }, 'messages[0].topic'],
  [
    'saveHistory that is no flag',
    { source, messages: [{ ...messages[0], saveHistory: 1 }] },
    'messages[0].saveHistory',
  ],
  ['a route twice', { source, messages: [...messages, ...messages] }, 'messages'],
  ['beforePublish that is none', { ...valid, beforePublish: 1 }, 'beforePublish'],
  ['afterPublish that is none', { ...valid, afterPublish: 'x' }, 'afterPublish'],
  ['a negative time', { ...valid, closeTimeoutMs: -1 }, 'closeTimeoutMs'],
  ['a time that is none', { ...valid, closeTimeoutMs: Number.NaN }, 'closeTimeoutMs'],
])('%s is refused', (_, options, field) => {
  expect(thrownBy(() => createMessageBridge(bus, options as MessageBridgeOptions))).toMatchObject({
    code: 'HEXBUS_CONFIG',
    message: expect.stringMatching(new RegExp(`^${field.replace(/[[\]]/g, '\\$&')} is `)),
  });
});

test.each(['kept.a', 'other'])('saveHistory needs a topic that is retained until-handled, unlike %s', (topic) => {
  const options = { source, messages: [{ type: 'A', topic, saveHistory: true }] };
  expect(thrownBy(() => createMessageBridge(bus, options))).toMatchObject({
    code: 'HEXBUS_CONFIG',
    message: expect.stringContaining("retain: 'until-handled'"),
  });
  expect(createMessageBridge(bus, { source, messages: [{ type: 'A', topic }] }).state).toBe('idle');
});

test('a topic that is none, and a bus that is none, are refused', () => {
  const options = { source, messages: [{ type: 'A', topic: 'a.*' }] };
  expect(thrownBy(() => createMessageBridge(bus, options))).toMatchObject({ code: 'HEXBUS_INVALID_TOPIC' });
  expect(thrownBy(() => createMessageBridge({} as never, valid))).toMatchObject({ code: 'HEXBUS_CONFIG' });
  expect(thrownBy(() => createMessageBridge(undefined as never, valid))).toMatchObject({ code: 'HEXBUS_CONFIG' });
});

test('types may share a topic, and one may go to several', () => {
  const many = [...messages, { type: 'B', topic: 'held.a', saveHistory: true }, { type: 'A', topic: 'held.b' }];
  expect(createMessageBridge(bus, { source, messages: many, closeTimeoutMs: Infinity }).state).toBe('idle');
  expect(source.handlers).toBe(0);
});
