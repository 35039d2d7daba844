import { createBus, type HexbusError } from '@hexbus/core';
import {
  createGateway,
  createHexbusV1,
  createMemoryBroker,
  createMemoryRegistry,
  type GatewayOptions,
  gatewayDefaults,
  type Registry,
} from '@hexbus/core/gateway';
import { createMemoryHistory } from '@hexbus/store-memory';
import { createMemoryTransport } from '@hexbus/testkit';
import { describe, expect, it } from 'vitest';
import { thrownBy } from '../support/buses.ts';
import { withMethod } from './support/with-method.ts';

function made(options: unknown): unknown {
  return createGateway(createBus(), options as GatewayOptions);
}

function refusal(options: unknown): HexbusError {
  return thrownBy(() => made(options)) as HexbusError;
}

const transports = [createMemoryTransport()];
const registryWith = (field: 'name' | 'leaseMs', value: unknown): Registry =>
  withMethod(createMemoryRegistry(), field, value);

describe('options of createGateway that are wrong are refused with the name of the field', () => {
  const wrong: readonly (readonly [field: string, options: unknown])[] = [
    ['options', undefined],
    ['options', 7],
    ['transports', {}],
    ['transports', { transports: [] }],
    ['transports', { transports: createMemoryTransport() }],
    ['transports', { transports: [{}] }],
    ['transports', { transports: [undefined] }],
    ['protocols', { transports, protocols: [] }],
    ['protocols', { transports, protocols: ['hexbus.v1.json'] }],
    ['authenticate', { transports, authenticate: true }],
    ['authenticateToken', { transports, authenticateToken: 'secret' }],
    ['authorize', { transports, authorize: null }],
    ['resumeKey', { transports, resumeKey: 'too short' }],
    ['resumeKey', { transports, resumeKey: 7 }],
    ['registry', { transports, registry: {} }],
    ['registry', { transports, registry: { ...createMemoryRegistry() } }],
    ...[undefined, 0, -1, Number.NaN, Infinity, '15000'].map(
      (leaseMs) => ['registry.leaseMs', { transports, registry: registryWith('leaseMs', leaseMs) }] as const,
    ),
    ['broker', { transports, broker: null }],
    ...[undefined, '', 7, 'n'.repeat(129)].flatMap(
      (name) =>
        [
          ['registry.name', { transports, registry: registryWith('name', name) }],
          ['broker.name', { transports, broker: withMethod(createMemoryBroker(), 'name', name) }],
          ['transports.name', { transports: [withMethod(createMemoryTransport(), 'name', name)] }],
          ['protocols.name', { transports, protocols: [withMethod(createHexbusV1(), 'name', name)] }],
        ] as const,
    ),
    ['clock', { transports, clock: Date }],
    ['randomness', { transports, randomness: Math }],
    ['limits', { transports, limits: 5 }],
    ['timings', { transports, timings: 'fast' }],
    ['timings.drainMs', { transports, timings: { drainMs: Infinity } }],
    ['timings.pingMs', { transports, timings: { pingMs: 0 } }],
    ['timings.pingMs', { transports, timings: { pingMs: Infinity } }],
    ['limits.maxSubscriptions', { transports, limits: { maxSubscriptions: 241 } }],
    ['limits.maxSubscriptions', { transports, limits: { maxSubscriptions: Infinity } }],
    ['limits.maxConection', { transports, limits: { maxConection: 1 } }],
    ['timings.constructor', { transports, timings: { constructor: 1 } }],
    ...Object.keys(gatewayDefaults.limits).flatMap((name) =>
      [0, -1, Number.NaN, '5', null].map(
        (value) => [`limits.${name}`, { transports, limits: { [name]: value } }] as const,
      ),
    ),
    ...Object.keys(gatewayDefaults.timings).flatMap((name) =>
      [-1, Number.NaN, '5', null].map(
        (value) => [`timings.${name}`, { transports, timings: { [name]: value } }] as const,
      ),
    ),
  ];

  it.each(wrong)('%s', (field, options) => {
    const error = refusal(options);
    expect(error).toMatchObject({ name: 'HexbusError', code: 'HEXBUS_CONFIG' });
    expect(error.message.startsWith(`${field} `), error.message).toBe(true);
  });

  it('bus', () => {
    for (const bus of [undefined, {}, 'bus']) {
      const error = thrownBy(() => createGateway(bus as never, { transports }));
      expect(error).toMatchObject({ code: 'HEXBUS_CONFIG' });
      expect((error as Error).message).toMatch(/^bus is /);
    }
  });
});

describe('options of createGateway that are right', () => {
  it.each([
    ['transports alone', { transports }],
    [
      'fields that are undefined',
      { transports, limits: undefined, timings: { pingMs: undefined }, registry: undefined },
    ],
    ['limits without a limit', { transports, limits: { maxConnections: Infinity, maxFramesPerSecond: Infinity } }],
    ['as many subscriptions as a token has room for', { transports, limits: { maxSubscriptions: 240 } }],
    ['times of 0', { transports, timings: { drainMs: 0, resumeWindowMs: 0 } }],
  ])('%s', (_, options) => {
    expect(made(options)).toMatchObject({ state: 'idle' });
  });

  it('nothing starts before open', () => {
    const transport = createMemoryTransport();
    const gateway = createGateway(createBus(), { transports: [transport] });
    expect(gateway.connections.count).toBe(0);
    expect(transport.count).toBe(0);
    expect(gateway.node).toMatch(/^[0-9a-f]{32}$/);
  });
});

it('refuses a bus whose addresses are held, since no queue can serve many connections', () => {
  const history = createMemoryHistory();
  const held = createBus({ history, topics: { '@user.>': { retain: 'until-handled' } } });
  expect(thrownBy(() => createGateway(held, { transports }))).toMatchObject({
    code: 'HEXBUS_CONFIG',
    message: expect.stringContaining('@user'),
  });
  const limited = createBus({ history, topics: { '@user.>': { retain: { maxCount: 10 } } } });
  expect(createGateway(limited, { transports }).state).toBe('idle');
});

it('what is no part is told which methods it lacks', () => {
  const { accepts, open } = createHexbusV1();
  const message = 'protocols is [object Object]; pass an object with accepts, helloOf, open: it has no helloOf';
  expect(refusal({ transports, protocols: [createHexbusV1(), { accepts, open }] }).message).toBe(message);
  expect(refusal({ transports: [createMemoryTransport] }).message).toContain(': it has no open, drain, close');
});
