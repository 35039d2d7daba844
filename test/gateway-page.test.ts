import { createWsTransport, type WsTransport } from '@hexbus/adapter-ws';
import { type Client, clientDefaults, createClient } from '@hexbus/client';
import { createBus } from '@hexbus/core';
import {
  createGateway,
  createMemoryRegistry,
  type Gateway,
  gatewayDefaults,
  type Registry,
} from '@hexbus/core/gateway';
import ts from 'typescript';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { outcomeOf } from './support/bus-states.ts';
import { readText } from './support/repository.ts';
import { defaultRows, tablesBelow } from './support/tables.ts';

const page = readText('docs/gateway.md');
const bare = (cell = ''): string => cell.replaceAll('`', '');

test.each([
  ['## Defaults of the gateway', gatewayDefaults],
  ['## Defaults of the client', clientDefaults],
])('the table below %s holds every default with its value, and no other', (heading, defaults) => {
  const [rows = []] = tablesBelow(page, heading);
  const listed = rows.slice(1).map(([name, value]) => [bare(name), value]);
  expect(listed).toEqual(defaultRows(defaults));
});

test.each([
  [0, 'packages/core/src/gateway/observers.ts', /gatewayObserverNames: [^=]*= \[([^\]]*)\]/],
  [1, 'packages/client/src/observers.ts', /names: [^=]*= \[([^\]]*)\]/],
])('table %i of observers has every event of %s', (index, path, list) => {
  const [, names = ''] = list.exec(readText(path)) ?? [];
  const rows = tablesBelow(page, '## Observers')[index] ?? [];
  expect(rows.slice(1).map(([name]) => bare(name))).toEqual([...names.matchAll(/'(\w+)'/g)].map(([, name]) => name));
});

const nothing = (): void => undefined;
const nobody = { connection: 'nobody' };

const gatewayCalls: Readonly<Record<string, (gateway: Gateway) => unknown>> = {
  'open()': (gateway) => gateway.open(),
  'post()': (gateway) => gateway.post(nobody, 'Type', 1),
  'request()': (gateway) => gateway.request(nobody, 'name', 1),
  'handle()': (gateway) => gateway.handle('name', nothing),
  'createTicket()': (gateway) => gateway.createTicket({ userId: 'ann' }),
  'cursorOf()': (gateway) => gateway.cursorOf({ user: 'nobody' }),
  'disconnect()': (gateway) => gateway.disconnect(nobody),
  'revoke()': (gateway) => gateway.revoke(nobody),
  'find()': (gateway) => gateway.connections.find(),
  'observe()': (gateway) => gateway.observe('error', nothing),
  'close()': (gateway) => gateway.close(),
};

const clientCalls: Readonly<Record<string, (client: Client) => unknown>> = {
  'open()': (client) => client.open(),
  'subscribe()': (client) => client.subscribe('any', nothing),
  'on()': (client) => client.on('Type', nothing),
  'publish()': (client) => client.publish('any', 1),
  'request()': (client) => client.request('name', 1).then(throwUnlessSuccess),
  'handle()': (client) => client.handle('name', nothing),
  'observe()': (client) => client.observe('error', nothing),
  'close()': (client) => client.close(),
};

/** What the table calls an outcome is no error of hexbus, so it is passed on as it is. */
async function resultOf(call: () => unknown): Promise<string> {
  return outcomeOf(call).catch((error: Error) => error.message);
}

function throwUnlessSuccess(outcome: { readonly status: string; readonly code?: string }): void {
  if (outcome.status !== 'success') throw new Error(outcome.code ?? outcome.status);
}

/** A gateway in a state, and what lets go of it. */
async function gatewayIn(state: string): Promise<{ gateway: Gateway; transport: WsTransport; release: () => void }> {
  let release = nothing;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const memory = createMemoryRegistry();
  const verbs = ['open', 'register', 'unregister', 'renew', 'find'] as const;
  const bound = Object.fromEntries(verbs.map((verb) => [verb, memory[verb].bind(memory)]));
  const registry = {
    ...(bound as unknown as Registry),
    name: 'gated',
    leaseMs: memory.leaseMs,
    close: (node: string) => released.then(() => memory.close(node)),
  };
  const transport = createWsTransport({ port: 0, host: '127.0.0.1' });
  const gateway = createGateway(createBus(), { transports: [transport], registry, authorize: () => true });
  onTestFinished(async () => {
    release();
    await gateway.close();
  });
  if (state === 'idle') return { gateway, transport, release };
  await gateway.open();
  if (state === 'closed') release();
  if (state !== 'open') void gateway.close();
  if (state === 'closed') await gateway.close();
  return { gateway, transport, release };
}

async function clientIn(state: string): Promise<Client> {
  const { gateway, transport } = await gatewayIn('open');
  gateway.handle('name', nothing);
  const url = `ws://127.0.0.1:${transport.port}/hexbus`;
  const client = createClient({ url, WebSocket });
  onTestFinished(() => client.close());
  if (state === 'idle') return client;
  await client.open();
  if (state === 'closed') await client.close();
  return client;
}

const [ofGateway = [], ofClient = []] = tablesBelow(page, '## Verbs by state');

function cellsOf([head = [], ...rows]: readonly string[][]): { verb: string; state: string; cell: string }[] {
  const states = head.slice(1, -1);
  return rows.flatMap(([verb, ...cells]) =>
    states.map((state, index) => ({ verb: bare(verb), state, cell: cells[index] ?? '' })),
  );
}

describe('the table of verbs of a gateway', () => {
  test.each(cellsOf(ofGateway))('$verb, $state: $cell', async ({ verb, state, cell }) => {
    const { gateway, release } = await gatewayIn(state);
    expect(gateway.state).toBe(state);
    const outcome = resultOf(() => gatewayCalls[verb]?.(gateway));
    if (verb === 'close()') release();
    expect(await outcome).toBe(cell);
  });
});

describe('the table of verbs of a client', () => {
  test.each(cellsOf(ofClient))('$verb, $state: $cell', async ({ verb, state, cell }) => {
    const client = await clientIn(state);
    expect(client.state).toBe(state);
    expect(await resultOf(() => clientCalls[verb]?.(client))).toBe(cell);
  });
});

test.each([
  ['Gateway', 'packages/core/src/gateway/api.ts', ofGateway, gatewayCalls],
  ['Client', 'packages/client/src/api.ts', ofClient, clientCalls],
])('the table of verbs has every method of a %s', (name, path, [, ...rows], calls) => {
  const source = ts.createSourceFile('api.ts', readText(path), ts.ScriptTarget.Latest, true);
  const found = source.statements.filter(ts.isInterfaceDeclaration).find((one) => one.name.text === name);
  const methods = found?.members.filter(ts.isMethodSignature).map((method) => `${method.name.getText()}()`) ?? [];
  if (name === 'Gateway') methods.push('find()');
  expect(rows.map(([verb]) => bare(verb)).sort()).toEqual(methods.sort());
  expect(Object.keys(calls).sort()).toEqual(methods.sort());
});

test('the page of errors has every code of an outcome', () => {
  const [, union = ''] = /type RequestErrorCode =([^;]*);/.exec(readText('packages/core/src/gateway/api.ts')) ?? [];
  const [rows = []] = tablesBelow(readText('docs/errors.md'), '## Requests');
  expect(rows.slice(1).map(([code]) => bare(code))).toEqual([...union.matchAll(/'([\w-]+)'/g)].map(([, code]) => code));
});
