import { createServer, type Server } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { createSseTransport } from '@hexbus/adapter-sse';
import { createFrameBatch } from '@hexbus/testkit';
import { getRequestListener } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import express from 'express';
import Fastify from 'fastify';
import { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import { listening } from '../../../test/support/transports/servers.ts';
import { dial, textOf } from './support/dial.ts';
import { closeAfterEach, type Guest, type Opened, open, openSse } from './support/host.ts';
import { connectSse, type Place } from './support/sse-client.ts';

closeAfterEach();

/** A server that answers everything with its name, and remembers what it was asked. */
function named(name: string): { readonly server: Server; readonly asked: string[] } {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.end(name);
  });
  return { server, asked };
}

async function get(port: number, url: string): Promise<string> {
  const caller = dial('http', port);
  const answer = await caller.ask({ url });
  const text = answer === undefined ? 'nothing' : await textOf(answer.body);
  caller.reset();
  return text;
}

/** Links a client, and lets one text go each way and the client close. */
async function roundTrip(opened: Opened, place: Place): Promise<Guest> {
  const arriving = opened.nextGuest();
  const client = connectSse(place, { query: '?ticket=a%20b', headers: { 'x-lab': 'yes' } });
  const guest = await arriving;
  client.send('up');
  await guest.got(1);
  guest.carrier.send(createFrameBatch('down'));
  expect(await client.next()).toBe('down');
  client.close(4321);
  expect(await guest.ended).toBe(4321);
  await client.closed;
  expect(guest.carrier.handshake.url).toBe(`${place.path ?? '/hexbus/sse'}?ticket=a%20b`);
  expect(guest.carrier.handshake.headers['x-lab']).toBe('yes');
  return guest;
}

/** What the server would cut if it was silent for so long. */
interface Timed {
  readonly timeout?: number;
}

describe('a guest', () => {
  it.each(['http', 'h2c'] as const)(
    'takes its streams out of the time limit of the server, and nothing else: %s',
    async (scheme) => {
      const answer = (_: unknown, response: { end(text: string): void }): void => response.end('theirs');
      const server = scheme === 'http' ? createServer(answer) : (createHttp2Server(answer) as unknown as Server);
      server.setTimeout(1_000_000);
      const timed: Timed[] = [];
      server.on(scheme === 'http' ? 'connection' : 'session', (connection: Timed) => timed.push(connection));
      const { port } = await listening(server);
      const opened = await openSse({ server });
      const others = dial(scheme, port);
      await textOf((await others.ask({ url: '/others' }))!.body);
      const caller = dial(scheme, port);
      const arriving = opened.nextGuest();
      const answered = await caller.ask({ url: '/hexbus/sse' });
      expect(answered?.status).toBe(200);
      const { ended } = await arriving;
      expect(timed.at(-1)?.timeout).toBe(0);
      expect(timed[0]?.timeout).toBeGreaterThan(0);
      caller.reset();
      others.reset();
      await ended;
      await new Promise((resolve) => server.close(resolve));
    },
  );

  it('gives a connection of HTTP/2 its time limit back when the last of its streams has ended, whoever opened them', async () => {
    const server = createHttp2Server((_, response) => response.end('theirs')) as unknown as Server;
    server.setTimeout(1_000_000);
    const sessions: Timed[] = [];
    server.on('session', (session: Timed) => sessions.push(session));
    const { port } = await listening(server);
    const houses = [await openSse({ server, path: '/first' }), await openSse({ server, path: '/second' })];
    const caller = dial('h2c', port);
    const guests: Guest[] = [];
    for (const [index, house] of [...houses, ...houses].entries()) {
      const arriving = house.nextGuest();
      await caller.ask({ url: index % 2 === 0 ? '/first' : '/second' });
      guests.push(await arriving);
    }
    for (const { carrier, ended } of guests) {
      expect(sessions.map(({ timeout }) => timeout)).toEqual([0]);
      carrier.terminate();
      await ended;
    }
    expect(sessions.map(({ timeout }) => timeout)).toEqual([1_000_000]);
    caller.reset();
    await new Promise((resolve) => server.close(resolve));
  });

  it('keeps its path from the listeners of the server, also from those that come later, and leaves them all else', async () => {
    const { server, asked } = named('theirs');
    const { port, stop } = await listening(server);
    const opened = await openSse({ server });
    const late: string[] = [];
    server.on('request', ({ url }) => late.push(url ?? ''));
    await roundTrip(opened, { scheme: 'http', port });
    expect(asked).toEqual([]);
    for (const path of ['/', '/hexbus', '/hexbus/sse/', '/other?x']) expect(await get(port, path)).toBe('theirs');
    expect([asked, late]).toEqual([
      ['/', '/hexbus', '/hexbus/sse/', '/other?x'],
      ['/', '/hexbus', '/hexbus/sse/', '/other?x'],
    ]);
    await stop();
  });

  it('gives its path back when it closes, and the server goes on', async () => {
    const { server, asked } = named('theirs');
    const { port, stop } = await listening(server);
    const { emit } = server;
    const { transport } = await openSse({ server });
    expect(server.emit).not.toBe(emit);
    await transport.close();
    expect(Object.hasOwn(server, 'emit')).toBe(false);
    expect(server.listenerCount('request')).toBe(1);
    expect(await get(port, '/hexbus/sse')).toBe('theirs');
    expect([server.listening, asked]).toEqual([true, ['/hexbus/sse']]);
    await stop();
  });

  it('keeps its path until its streams have ended, so that nobody who comes meanwhile is told 404', async () => {
    const { server } = named('theirs');
    const { port, stop } = await listening(server);
    const { transport, nextGuest } = await openSse({ server });
    const arriving = nextGuest();
    const caller = dial('http', port);
    await caller.ask({ url: '/hexbus/sse' });
    const { ended } = await arriving;
    const kept = ended.then(() => Object.hasOwn(server, 'emit'));
    await transport.close();
    expect(await kept).toBe(true);
    expect(Object.hasOwn(server, 'emit')).toBe(false);
    caller.reset();
    await stop();
  });

  it.each([[[0, 1]], [[1, 0]]])('shares a server with another, whichever closes first: %o', async (order) => {
    const { server } = named('theirs');
    const { port, stop } = await listening(server);
    const paths = ['/first', '/second'];
    const guests = [await openSse({ server, path: '/first' }), await openSse({ server, path: '/second' })];
    const place = (index: number): Place => ({ scheme: 'http', port, path: paths[index] ?? '' });
    for (const index of order) {
      await roundTrip(guests[index] as Opened, place(index));
      await guests[index]?.transport.close();
      expect(await get(port, paths[index] ?? '')).toBe('theirs');
    }
    expect(await get(port, '/')).toBe('theirs');
    await stop();
  });

  it('is asked by a server of HTTP/2 to which nobody listens', async () => {
    const server = createHttp2Server();
    const { port } = await listening(server as unknown as Server);
    const opened = await openSse({ server });
    expect(opened.port).toBe(port);
    const guest = await roundTrip(opened, { scheme: 'h2c', port });
    expect(guest.carrier.handshake.headers['host']).toBe(`127.0.0.1:${port}`);
    expect(Object.keys(guest.carrier.handshake.headers).filter((name) => name.startsWith(':'))).toEqual([]);
    await opened.transport.close();
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('mounted', () => {
  it('on a bare server', async () => {
    const transport = createSseTransport();
    const opened = await open(transport);
    expect(opened.transport.port).toBeUndefined();
    const { port, stop } = await listening(createServer(transport.handler));
    await roundTrip(opened, { scheme: 'http', port, path: '/wherever' });
    await stop();
  });

  it('in Express, behind a router and before what reads bodies', async () => {
    const transport = createSseTransport();
    const opened = await open(transport);
    const app = express();
    const router = express.Router();
    router.use('/sse', transport.handler);
    app.use('/hexbus', router);
    app.use(express.text({ type: '*/*' }));
    app.use((_, response) => void response.send('theirs'));
    const { port, stop } = await listening(createServer(app));
    await roundTrip(opened, { scheme: 'http', port });
    expect(await get(port, '/hexbus/other')).toBe('theirs');
    await stop();
  });

  it('in Fastify', async () => {
    const transport = createSseTransport();
    const opened = await open(transport);
    const fastify = Fastify();
    // Its body is left to the transport.
    fastify.addContentTypeParser('application/x-ndjson', (_request, _payload, done) => done(null));
    fastify.route({
      method: ['GET', 'POST', 'OPTIONS'],
      url: '/hexbus/sse',
      handler(request, reply) {
        reply.hijack();
        transport.handler(request.raw, reply.raw);
      },
    });
    await fastify.listen({ port: 0 });
    const { port } = fastify.server.address() as AddressInfo;
    await roundTrip(opened, { scheme: 'http', port });
    await fastify.close();
  });

  it('in Hono', async () => {
    const transport = createSseTransport();
    const opened = await open(transport);
    const app = new Hono<{ Bindings: { incoming: never; outgoing: never } }>();
    app.all('/hexbus/sse', ({ env }) => {
      transport.handler(env.incoming, env.outgoing);
      return RESPONSE_ALREADY_SENT;
    });
    app.notFound((context) => context.text('theirs'));
    const { port, stop } = await listening(createServer(getRequestListener(app.fetch)));
    await roundTrip(opened, { scheme: 'http', port });
    expect(await get(port, '/other')).toBe('theirs');
    await stop();
  });

  it('behind what has read the body it says so', async () => {
    const transport = createSseTransport();
    await open(transport);
    const app = express();
    app.use(express.text({ type: '*/*' }));
    app.use('/hexbus/sse', transport.handler);
    const { port, stop } = await listening(createServer(app));
    const caller = dial('http', port);
    const asked = {
      method: 'POST',
      url: '/hexbus/sse',
      headers: { 'content-type': 'application/x-ndjson' },
      body: 'a',
    };
    const answer = await caller.ask(asked);
    expect(answer?.status).toBe(500);
    if (answer !== undefined) expect(await textOf(answer.body)).toContain('mount this before what reads bodies');
    caller.reset();
    await stop();
  });

  it('sends clients away, to come back later, before it is open and after it was closed', async () => {
    const transport = createSseTransport();
    const { port, stop } = await listening(createServer(transport.handler));
    for (const state of ['idle', 'closed']) {
      const caller = dial('http', port);
      const posted = await caller.ask({
        method: 'POST',
        url: '/',
        headers: { 'content-type': 'application/x-ndjson' },
      });
      expect([state, posted?.status, posted?.headers['retry-after']]).toEqual([state, 503, '2']);
      expect(await get(port, '/')).toMatch(/^retry: \d+\n\n$/);
      caller.reset();
      await transport.close();
    }
    await stop();
  });
});
