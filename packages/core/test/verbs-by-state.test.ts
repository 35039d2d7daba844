import { type Bus, isHexbusError } from '@hexbus/core';
import { describe, expect, test } from 'vitest';
import { heard, type TestBus, useBuses } from './support/buses.ts';
import { deferred } from './support/deferred.ts';

const { make } = useBuses();

type State = 'idle' | 'opening' | 'open' | 'busy' | 'closing' | 'closed';

/** A bus that stands in a state until the test lets it go on. `busy`: closing, while a handler still runs. */
async function busIn(state: State, withoutHistory: boolean): Promise<TestBus & { goOn(): void }> {
  const one = make({ withoutHistory });
  const { bus, probe } = one;
  const gate = deferred();
  const hold = state === 'opening' && !withoutHistory ? probe.holdNext('open') : undefined;
  const goOn = (): void => {
    hold?.();
    gate.resolve();
  };
  if (state === 'idle') return { ...one, goOn };
  const opening = heard(bus.open());
  if (state === 'opening') return { ...one, goOn };
  await opening;
  const topic = withoutHistory ? 'mouse.moved' : 'order.x';
  if (state === 'busy') {
    bus.subscribe(topic, () => gate.promise);
    await bus.publish(topic, 0);
    await one.settled();
    void bus.close();
  } else if (state === 'closing') {
    const { close } = probe.store;
    Object.assign(probe.store, { close: () => gate.promise.then(() => close()) });
    void bus.close();
    await one.settled();
  } else if (state === 'closed') await bus.close();
  return { ...one, goOn };
}

/** `yes`, or the code of the error without its prefix, with `!` if it was thrown instead of rejected. */
async function outcomeOf(call: () => unknown): Promise<string> {
  const codeOf = (error: unknown): string => {
    if (isHexbusError(error)) return error.code.replace('HEXBUS_', '');
    throw error;
  };
  let returned: unknown;
  try {
    returned = call();
  } catch (error) {
    return `${codeOf(error)}!`;
  }
  // What only begins later, such as a subscription, is not waited for.
  if (!(returned instanceof Promise)) return 'yes';
  return returned.then(() => 'yes', codeOf);
}

type Calls = Readonly<Record<string, (bus: Bus) => unknown>>;

const calls: Calls = {
  'publish retained': (bus) => bus.publish('order.x', 1),
  'publish held': (bus) => bus.publish('job.x', 1),
  'publish not retained': (bus) => bus.publish('mouse.moved', 1),
  'emit retained': (bus) => bus.emit('order.x', 1),
  'emit not retained': (bus) => bus.emit('mouse.moved', 1),
  subscribe: (bus) => bus.subscribe('order.x', () => {}).state,
  'subscribe held': (bus) => bus.subscribe('job.x', () => {}).state,
  'subscribe not retained': (bus) => bus.subscribe('mouse.moved', () => {}).state,
  messages: (bus) => typeof bus.messages('order.x').next,
  read: (bus) => bus.read('order.x'),
  on: (bus) => bus.on('order.x', () => {}).state,
  once: (bus) => bus.once('order.x', () => {}).state,
  off: (bus) => bus.off('order.x').state,
  stats: (bus) => bus.stats('order.x'),
  'stats not retained': (bus) => bus.stats('mouse.moved'),
  deadLetters: (bus) => bus.deadLetters('job.x'),
  requeue: (bus) => bus.requeue('job.x'),
  discard: (bus) => bus.discard('job.x', []),
  forget: (bus) => bus.forget('n'),
  observe: (bus) => typeof bus.observe('error', () => {}),
  cursor: (bus) => typeof bus.cursor,
};

const allowed = ['yes', 'yes', 'yes', 'yes', 'yes', 'yes'];
const publishing = ['NOT_OPEN', 'NOT_OPEN', 'yes', 'yes', 'CLOSED', 'CLOSED'];
const subscribing = ['yes', 'yes', 'yes', 'CLOSED!', 'CLOSED!', 'CLOSED!'];
const reading = ['NOT_OPEN', 'NOT_OPEN', 'yes', 'CLOSED', 'CLOSED', 'CLOSED'];

const withHistory: Readonly<Record<string, readonly string[]>> = {
  'publish retained': publishing,
  'publish held': publishing,
  'publish not retained': publishing,
  'emit retained': ['RETAINED!', 'RETAINED!', 'RETAINED!', 'RETAINED!', 'CLOSED!', 'CLOSED!'],
  'emit not retained': ['yes', 'yes', 'yes', 'yes', 'CLOSED!', 'CLOSED!'],
  subscribe: subscribing,
  'subscribe held': subscribing,
  'subscribe not retained': subscribing,
  messages: subscribing,
  on: subscribing,
  once: subscribing,
  off: allowed,
  observe: allowed,
  cursor: allowed,
  read: reading,
  stats: reading,
  'stats not retained': reading,
  deadLetters: reading,
  requeue: reading,
  discard: reading,
  forget: reading,
};

const states: readonly State[] = ['idle', 'opening', 'open', 'busy', 'closing', 'closed'];

describe.each(Object.keys(calls))('with a history, %s', (verb) => {
  test.each(states.map((state, index) => [state, withHistory[verb]?.[index]] as const))(
    'while %s: %s',
    async (state, expected) => {
      const { bus, goOn, takeErrors } = await busIn(state, false);
      const outcome = outcomeOf(() => calls[verb]?.(bus));
      if (state === 'open' || state === 'busy') expect(await outcome).toBe(expected);
      goOn();
      expect(await outcome).toBe(expected);
      await bus.close();
      takeErrors();
    },
  );
});

const closedToAll = ['CLOSED', 'CLOSED', 'CLOSED'];
const withoutHistory: Readonly<Record<string, readonly string[]>> = {
  'publish not retained': ['yes', 'yes', 'CLOSED', 'CLOSED'],
  'emit not retained': ['yes', 'yes', 'CLOSED!', 'CLOSED!'],
  'subscribe not retained': ['yes', 'CLOSED!', 'CLOSED!', 'CLOSED!'],
  messages: ['yes', 'CLOSED!', 'CLOSED!', 'CLOSED!'],
  on: ['yes', 'CLOSED!', 'CLOSED!', 'CLOSED!'],
  once: ['yes', 'CLOSED!', 'CLOSED!', 'CLOSED!'],
  off: ['yes', 'yes', 'yes', 'yes'],
  observe: ['yes', 'yes', 'yes', 'yes'],
  cursor: ['yes', 'yes', 'yes', 'yes'],
  'stats not retained': ['yes', ...closedToAll],
  read: ['NOT_RETAINED', ...closedToAll],
  deadLetters: ['NOT_RETAINED', ...closedToAll],
  requeue: ['NOT_RETAINED', ...closedToAll],
  discard: ['NOT_RETAINED', ...closedToAll],
  forget: ['NOT_RETAINED', ...closedToAll],
};

describe.each(Object.keys(withoutHistory))('without a history, %s', (verb) => {
  test.each(states.slice(2).map((state, index) => [state, withoutHistory[verb]?.[index]] as const))(
    'while %s: %s',
    async (state, expected) => {
      const { bus, goOn } = await busIn(state, true);
      // Nothing is to be closed, so the state closing ends by itself.
      expect(await outcomeOf(() => calls[verb]?.(bus))).toBe(expected);
      goOn();
    },
  );
});
