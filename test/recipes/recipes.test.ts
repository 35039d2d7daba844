import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { createClient } from '@hexbus/client';
import type { Gateway } from '@hexbus/core/gateway';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { readText, root } from '../support/repository.ts';
import { snippetsOf } from '../support/snippets.ts';

interface Recipe {
  readonly server: Server;
  readonly gateway: Gateway;
  /** Where the framework closes the server by itself. */
  readonly app?: { close(): Promise<void> };
}

/** Runs the first program below a heading of the page, on any free port, with the transport of this kind. */
async function start(heading: string, transport: 'ws' | 'sse' = 'ws'): Promise<Recipe> {
  const [, section = ''] = readText('docs/recipes.md').split(`\n## ${heading}\n`);
  const code = snippetsOf('docs/recipes.md', section)[0]?.code ?? '';
  expect(code.match(/\b3000\b/g)).toHaveLength(1);
  expect(code.match(/createWsTransport|adapter-ws/g)).toHaveLength(3);
  const changed =
    transport === 'ws' ? code : code.replaceAll('createWs', 'createSse').replace('adapter-ws', 'adapter-sse');
  mkdirSync(join(root, '.snippets'), { recursive: true });
  const folder = mkdtempSync(join(root, '.snippets', 'recipe-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'recipe.ts');
  writeFileSync(file, changed.replace('3000', '0'));
  const recipe = (await import(file)) as Recipe;
  if (!recipe.server.listening) await once(recipe.server, 'listening');
  return recipe;
}

/** What a server answers to an upgrade at this path. */
async function upgrade(port: number, path: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: own\r\n\r\n`);
  socket.setEncoding('latin1');
  let answer = '';
  for await (const text of socket) answer += text;
  return answer;
}

const frameworks = ['http', 'Express', 'Fastify', 'Hono'];

test.each(frameworks)('%s and a gateway with SSE share a port', async (heading) => {
  const { server, gateway, app } = await start(heading, 'sse');
  const { port } = server.address() as AddressInfo;
  const loadPage = async (): Promise<unknown> => {
    const page = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } });
    return [page.status, await page.text()];
  };
  expect(await loadPage()).toEqual([200, 'the page']);

  const client = createClient({ url: `http://127.0.0.1:${port}/hexbus`, transport: 'sse' });
  await client.open();
  expect(await client.request('greet', 'ann')).toEqual({ status: 'success', body: 'hello ann' });
  expect(await loadPage()).toEqual([200, 'the page']);
  expect(gateway.connections.count).toBe(1);

  const closed = once(server, 'close');
  if (app === undefined) {
    await gateway.close();
    expect(await loadPage()).toEqual([200, 'the page']);
    server.close();
  } else await app.close();
  await closed;
  await client.close();
});

test.each(frameworks)('%s and a gateway share a port', async (heading) => {
  const { server, gateway, app } = await start(heading);
  const upgrades: string[] = [];
  const own = (request: { url?: string | undefined }, socket: { end(text: string): void }): void => {
    if (request.url !== '/own') return;
    upgrades.push(request.url);
    socket.end('HTTP/1.1 418 Own\r\nConnection: close\r\n\r\n');
  };
  server.on('upgrade', own);
  const { port } = server.address() as AddressInfo;

  const page = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } });
  expect([page.status, await page.text()]).toEqual([200, 'the page']);

  const client = createClient({ url: `ws://127.0.0.1:${port}/hexbus`, WebSocket });
  await client.open();
  expect(await client.request('greet', 'ann')).toEqual({ status: 'success', body: 'hello ann' });
  expect(await upgrade(port, '/own')).toMatch(/^HTTP\/1\.1 418 Own/);
  expect(upgrades).toEqual(['/own']);
  expect(gateway.connections.count).toBe(1);

  const closed = once(server, 'close');
  if (app === undefined) {
    await gateway.close();
    server.close();
  } else await app.close();
  await closed;
  expect(client.connected).toBe(false);
  expect(server.listeners('upgrade')).toEqual([own]);
  await client.close();
  expect(server.listening).toBe(false);
});
