import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createSseTransport } from '@hexbus/adapter-sse';
import { createWsTransport } from '@hexbus/adapter-ws';
import { type Bus, createBus } from '@hexbus/core';
import { createGateway, type Gateway, type GatewayOptions } from '@hexbus/core/gateway';
import { createMemoryHistory } from '@hexbus/store-memory';
import { expect, onTestFinished, test } from 'vitest';
import { bundleForPage, servePage, useChromium } from '../support/chromium.ts';

/** A busy machine takes its time to load a page. */
const patience = { timeout: 60_000 };

const { newPage, newUser } = useChromium();

/** A gateway, and the bus behind it, which retains `log`. */
async function openGateway(options: GatewayOptions): Promise<{ readonly bus: Bus; readonly gateway: Gateway }> {
  const bus = createBus({ history: createMemoryHistory(), topics: { log: { retain: { maxCount: 100 } } } });
  const gateway = createGateway(bus, {
    authenticate: () => ({ userId: 'ann' }),
    authorize: () => true,
    timings: { drainMs: 1 },
    ...options,
  });
  onTestFinished(async () => {
    await gateway.close();
    await bus.close();
  });
  await bus.open();
  await gateway.open();
  gateway.handle('length', (body) => (body as string).length);
  return { bus, gateway };
}

/** Shows what it was given, and how its request ended, in the title. `options`: source text. */
function pageWith(options: string): Promise<string> {
  return bundleForPage(`
    import { createClient } from '@hexbus/client';
    const session = {
      load: () => JSON.parse(sessionStorage.getItem('hexbus') ?? 'null') ?? undefined,
      save: (saved: unknown) => sessionStorage.setItem('hexbus', JSON.stringify(saved ?? null)),
    };
    const bodies: unknown[] = [];
    const client = createClient({ session, timings: { acknowledgeMs: 1, reconnectDelayMs: 50 }, ${options} });
    Object.assign(window, { client });
    client.subscribe('log', ({ body }) => { bodies.push(body); document.title = bodies.join(); }, { from: 'earliest' });
    await client.open();
    const outcome = await client.request<number>('length', 'ж'.repeat(30_000));
    document.body.append(outcome.status + ' ' + (outcome.status === 'success' ? outcome.body : ''));
  `);
}

test('a page without WebSocket goes on over SSE, also after a reload, and says when it closes', async () => {
  const script = await pageWith(`url: '/hexbus', transport: 'auto'`);
  const { server, url } = await servePage({ '/page.js': `delete window.WebSocket;\n${script}` });
  const { bus, gateway } = await openGateway({
    transports: [createWsTransport({ server }), createSseTransport({ server })],
  });
  const seen: string[] = [];
  gateway.observe('connected', ({ transport }) => seen.push(`${transport} connected`));
  gateway.observe('resumed', ({ transport }) => seen.push(`${transport} resumed`));
  gateway.observe('disconnected', ({ code }) => seen.push(String(code)));
  await bus.publish('log', 1);
  const page = await newPage();
  await page.goto(url);
  await expect.poll(() => page.textContent('body'), patience).toContain('success 30000');
  await bus.publish('log', 2);
  await expect.poll(() => page.title(), patience).toBe('1,2');
  await page.reload();
  await bus.publish('log', 3);
  await expect.poll(() => page.title(), patience).toBe('3');
  await page.evaluate('client.close()');
  await expect.poll(() => seen, patience).toEqual(['sse connected', '1006', 'sse resumed', '1000']);
});

test('a page of another origin that is let in brings its cookies, one that is not gets nothing', async () => {
  const gatewayServer = createServer();
  await new Promise<void>((resolve) => gatewayServer.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    gatewayServer.closeAllConnections();
    gatewayServer.close();
  });
  const { port } = gatewayServer.address() as AddressInfo;
  const script = await pageWith(`
    url: 'http://127.0.0.1:${port}/hexbus',
    transport: 'sse',
    fetch: (url, init) => fetch(url, { ...init, credentials: 'include' }),
  `);
  const allowed = await servePage({ '/page.js': script });
  const foreign = await servePage({ '/page.js': script });
  const cookies: (string | undefined)[] = [];
  const { bus } = await openGateway({
    transports: [createSseTransport({ server: gatewayServer, origins: [allowed.url] })],
    authenticate({ headers }) {
      cookies.push(headers['cookie']);
      return { userId: 'ann' };
    },
  });
  await bus.publish('log', 'only for ours');
  const user = await newUser();
  await user.addCookies([{ name: 'who', value: 'ann', domain: '127.0.0.1', path: '/' }]);
  const [ours, theirs] = [await user.newPage(), await user.newPage()];
  // Its browser asks before, and tells it nothing of the answer.
  const refused = theirs.waitForEvent('requestfailed');
  await theirs.goto(foreign.url);
  await refused;
  await ours.goto(allowed.url);
  await expect.poll(() => ours.textContent('body'), patience).toContain('success 30000');
  expect(await ours.title()).toBe('only for ours');
  expect(await theirs.title()).toBe('test');
  expect(cookies).toEqual(['who=ann']);
});
