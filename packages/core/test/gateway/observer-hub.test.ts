import { readFileSync } from 'node:fs';
import { isHexbusError } from '@hexbus/core';
import type { GatewayObserverEvents } from '@hexbus/core/gateway';
import { expect, test } from 'vitest';
import { gatewayObserverNames } from '../../src/gateway/observers.ts';
import { ObserverHub } from '../../src/observer-hub.ts';

function hub(): ObserverHub<GatewayObserverEvents> {
  return new ObserverHub<GatewayObserverEvents>(gatewayObserverNames);
}

const expired = { session: 'urn:hexbus:session:1' };

test('the names are those of the events', () => {
  const source = readFileSync(new URL('../../src/gateway/observers.ts', import.meta.url), 'utf8');
  const [, events = ''] = /interface GatewayObserverEvents \{([\s\S]*?)\n\}/.exec(source) ?? [];
  expect([...events.matchAll(/^ {2}readonly (\w+):/gm)].map(([, name]) => name)).toEqual(gatewayObserverNames);
});

test('observers are told until they leave', () => {
  const observers = hub();
  const told: unknown[] = [];
  const stop = observers.observe('sessionExpired', (event) => told.push(event));
  observers.tell('sessionExpired', expired);
  stop();
  observers.tell('sessionExpired', expired);
  expect(told).toEqual([expired]);
  observers.observe('sessionExpired', (event) => told.push(event));
  observers.removeAll();
  observers.tell('sessionExpired', expired);
  expect(told).toHaveLength(1);
});

test('one that throws or rejects harms nobody, is counted, and the error observer is told', async () => {
  const observers = hub();
  const errors: GatewayObserverEvents['error'][] = [];
  const told: unknown[] = [];
  observers.observe('error', (event) => errors.push(event));
  observers.observe('sessionExpired', () => {
    throw new Error('planted');
  });
  observers.observe('sessionExpired', async () => {
    throw new Error('planted');
  });
  observers.observe('sessionExpired', (event) => told.push(event));
  observers.tell('sessionExpired', expired);
  await Promise.resolve();
  expect(told).toEqual([expired]);
  expect(
    errors.map(({ error, observerFailures }) => [isHexbusError(error, 'HEXBUS_OBSERVER_FAILED'), observerFailures]),
  ).toEqual([
    [true, 1],
    [true, 2],
  ]);
});

test('an error observer that throws is counted and told nothing of it', () => {
  const observers = hub();
  const counts: number[] = [];
  observers.observe('error', ({ observerFailures }) => {
    counts.push(observerFailures);
    throw new Error('planted');
  });
  observers.error(new Error('first'));
  observers.error(new Error('second'), { connection: { connection: 'c', session: 's', transport: 'ws' } });
  expect(counts).toEqual([0, 1]);
});

test('a name that is none is refused', () => {
  expect(() => hub().observe('toString' as 'error', () => {})).toThrow(
    expect.objectContaining({ code: 'HEXBUS_CONFIG' }),
  );
});
