import { assertField, assertFunction, assertText, isObject, isText } from '../bus/checks.ts';
import { busDefaults, numberOf } from '../bus/options.ts';
import { maxNameLength } from '../bus/publishing/publish-checks.ts';
import type { TopicTable } from '../bus/topic-table.ts';
import { shorten } from '../errors.ts';
import type { MessageBridgeOptions, MessageRoute } from './api.ts';

/** The options of a bridge, checked and completed. */
export interface BridgeSettings extends Omit<MessageBridgeOptions, 'closeTimeoutMs'> {
  readonly closeTimeoutMs: number;
}

/** Checks and completes what was passed to `createMessageBridge`, or throws `HEXBUS_CONFIG` naming the field. */
export function resolveBridgeOptions(
  options: MessageBridgeOptions,
  bus: unknown,
  topics: Pick<TopicTable, 'isHeld'>,
): BridgeSettings {
  const { source, messages, beforePublish, afterPublish } = options;
  assertField(typeof source?.on === 'function', 'source', source, 'pass a client, a bus, or what has their on');
  assertField((source as unknown) !== bus, 'source', 'the bus itself', 'pass another bus, or subscribe');
  assertField(
    Array.isArray(messages) && messages.length > 0,
    'messages',
    messages,
    'pass at least one { type, topic }',
  );
  for (const [index, route] of messages.entries()) checkRoute(`messages[${index}]`, route, topics);
  const known = new Set<string>();
  for (const { type, topic } of messages) {
    const both = JSON.stringify([type, topic]);
    assertField(!known.has(both), 'messages', both, 'route a type to a topic once');
    known.add(both);
  }
  if (beforePublish !== undefined) assertFunction('beforePublish', beforePublish);
  if (afterPublish !== undefined) assertFunction('afterPublish', afterPublish);
  const closeTimeoutMs = numberOf(options, busDefaults, 'closeTimeoutMs');
  return { source, messages: [...messages], beforePublish, afterPublish, closeTimeoutMs };
}

function checkRoute(field: string, route: MessageRoute, topics: Pick<TopicTable, 'isHeld'>): void {
  assertField(isObject(route), field, route, 'pass { type, topic }');
  const { type, topic, saveHistory } = route;
  assertText(`${field}.type`, type, maxNameLength);
  assertField(isText(topic, Infinity), `${field}.topic`, topic, 'pass a topic of the bus');
  const isFlag = saveHistory === undefined || typeof saveHistory === 'boolean';
  assertField(isFlag, `${field}.saveHistory`, saveHistory, 'use true or false');
  // Asked also where the answer does not matter: it throws for a topic that is none.
  const held = topics.isHeld(topic);
  const instead = `give ${shorten(topic)} retain: 'until-handled' in the bus, or leave it out`;
  assertField(held || saveHistory !== true, `${field}.saveHistory`, saveHistory, instead);
}
