import { assertField, assertFunction, assertWholeNumber, isObject, isText } from '../bus/checks.ts';
import type { Clock, Randomness } from '../clock.ts';
import type { Broker } from '../ports/broker.ts';
import type { WireProtocol } from '../ports/protocol.ts';
import type { Registry } from '../ports/registry.ts';
import type { Transport } from '../ports/transport.ts';
import { createHexbusV1EventSource } from '../protocol/event-source.ts';
import { maxTokenPlaces } from '../protocol/frames.ts';
import { createHexbusV1 } from '../protocol/hexbus-v1.ts';
import type { GatewayLimits, GatewayOptions, GatewayTimings } from './api.ts';
import { gatewayDefaults } from './defaults.ts';
import { createMemoryBroker } from './nodes/memory-broker.ts';
import { createMemoryRegistry } from './nodes/memory-registry.ts';
import { createSessionSecrets, type SessionSecrets } from './sessions/session-secrets.ts';
import { createSigner, type Signer } from './sessions/signer.ts';

/** The options of a gateway, checked and completed. */
export interface GatewaySettings extends Pick<GatewayOptions, 'authenticate' | 'authenticateToken' | 'authorize'> {
  readonly transports: readonly Transport[];
  readonly protocols: readonly WireProtocol[];
  readonly limits: GatewayLimits;
  readonly timings: GatewayTimings;
  readonly registry: Registry;
  readonly broker: Broker;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly signer: Signer;
  readonly secrets: SessionSecrets;
}

/** Checks and completes what was passed to `createGateway`, or throws `HEXBUS_CONFIG` naming the field. */
export function resolveGatewayOptions(
  options: GatewayOptions,
  machine: { readonly clock: Clock; readonly randomness: Randomness },
): GatewaySettings {
  assertField(isObject(options), 'options', options, 'pass { transports: [...] }');
  const { transports, protocols = usualProtocols(), clock = machine.clock, randomness = machine.randomness } = options;
  assertParts('clock', [clock], 'now', 'setTimer', 'nextTurn');
  assertParts('randomness', [randomness], 'id', 'fraction');
  assertParts('transports', transports, 'open', 'drain', 'close');
  assertParts('protocols', protocols, 'accepts', 'helloOf', 'open');
  const { registry = createMemoryRegistry({ clock }), broker = createMemoryBroker({ clock }) } = options;
  assertParts('registry', [registry], 'open', 'register', 'unregister', 'renew', 'find', 'close');
  assertParts('broker', [broker], 'open', 'request', 'close');
  assertNames('transports', transports);
  assertNames('protocols', protocols);
  assertNames('registry', [registry]);
  assertNames('broker', [broker]);
  const { leaseMs } = registry;
  assertField(
    Number.isFinite(leaseMs) && leaseMs > 0,
    'registry.leaseMs',
    leaseMs,
    'use a number of milliseconds above 0',
  );
  for (const field of ['authenticate', 'authenticateToken', 'authorize'] as const) {
    if (options[field] !== undefined) assertFunction(field, options[field]);
  }
  const signer = createSigner(options.resumeKey, randomness);
  return {
    transports,
    protocols,
    authenticate: options.authenticate,
    authenticateToken: options.authenticateToken,
    authorize: options.authorize,
    signer,
    secrets: createSessionSecrets(signer, randomness),
    registry,
    broker,
    limits: checkedLimits(resolveNumbers('limits', options.limits, gatewayDefaults.limits, 1)),
    timings: checkedTimings(resolveNumbers('timings', options.timings, gatewayDefaults.timings, 0)),
    clock,
    randomness,
  };
}

/** Both speak the same texts, so that an event is encoded once. */
function usualProtocols(): readonly WireProtocol[] {
  const native = createHexbusV1();
  return [createHexbusV1EventSource(native), native];
}

/** What another package made, or a program itself, by the methods without which nothing could work. */
function assertParts(field: string, parts: unknown, ...methods: readonly string[]): void {
  assertField(Array.isArray(parts) && parts.length > 0, field, parts, 'pass at least one');
  for (const part of parts as readonly unknown[]) {
    const lacking = methods.filter((method) => !isObject(part) || typeof Reflect.get(part, method) !== 'function');
    const hint = `pass an object with ${methods.join(', ')}: it has no ${lacking.join(', ')}`;
    assertField(lacking.length === 0, field, part, hint);
  }
}

function assertNames(field: string, parts: readonly { readonly name: string }[]): void {
  for (const { name } of parts)
    assertField(isText(name, 128), `${field}.name`, name, 'use 1 to 128 printable characters');
}

function checkedLimits(limits: GatewayLimits): GatewayLimits {
  const { maxSubscriptions } = limits;
  const hint = `use at most ${maxTokenPlaces}, for which a token has room`;
  assertField(maxSubscriptions <= maxTokenPlaces, 'limits.maxSubscriptions', maxSubscriptions, hint);
  return limits;
}

/** Clients are told the interval of pings in whole milliseconds, and when to come back; and no ticket waits for ever. */
function checkedTimings(timings: GatewayTimings): GatewayTimings {
  assertWholeNumber('timings.pingMs', timings.pingMs, 1);
  assertWholeNumber('timings.drainMs', timings.drainMs, 0);
  assertWholeNumber('timings.ticketMs', timings.ticketMs, 0);
  return timings;
}

/** Each of `defaults`, or the number given for it. A name that is none of them is refused, since it would have no effect. */
function resolveNumbers<Numbers extends { readonly [Field in keyof Numbers]: number }>(
  group: string,
  given: { readonly [Field in keyof Numbers]?: number | undefined } | undefined,
  defaults: Numbers,
  least: number,
): Numbers {
  assertField(given === undefined || isObject(given), group, given, 'pass an object');
  const resolved: Record<string, number> = { ...defaults };
  for (const [field, value] of Object.entries<number | undefined>(given ?? {})) {
    if (value === undefined) continue;
    const known = Object.hasOwn(defaults, field);
    assertField(known, `${group}.${field}`, value, `use one of ${Object.keys(defaults).join(', ')}`);
    const valid = typeof value === 'number' && value >= least;
    assertField(valid, `${group}.${field}`, value, `use a number from ${least}, or Infinity`);
    resolved[field] = value;
  }
  return resolved as Numbers;
}
