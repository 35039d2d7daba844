import { createServer, type Server } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { createSseTransport } from '@hexbus/adapter-sse';
import { createBus } from '@hexbus/core';
import { createGateway, type Transport } from '@hexbus/core/gateway';
import { expect, it } from 'vitest';
import { listening } from '../../../test/support/transports/servers.ts';
import { type Dial, dial, type Question } from './support/dial.ts';
import { closeAfterEach, letIn, openSse } from './support/host.ts';

closeAfterEach();

const questions: Record<'GET' | 'POST', Question> = {
  GET: { url: '/hexbus/sse?topic=news' },
  POST: {
    method: 'POST',
    url: '/hexbus/sse',
    headers: { 'content-type': 'application/x-ndjson', 'hexbus-protocol': 'hexbus.v1.json' },
    body: '[1,{"v":1}]',
  },
};

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** So many clients that have asked, each on a connection of its own. */
function asking(count: number, scheme: 'http' | 'h2c', port: number, question: Question): Dial[] {
  return Array.from({ length: count }, () => {
    const client = dial(scheme, port);
    void client.ask(question);
    return client;
  });
}

it.each(['GET', 'POST'] as const)(
  'threat 14: clients of HTTP/2 that go during asynchronous authentication are abandoned and throw nothing: %s',
  async (method) => {
    let release = (): void => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    let aborted = 0;
    const server = createHttp2Server();
    const { port } = await listening(server as unknown as Server);
    const { handshakes, abandons, guests } = await openSse({ server }, async (handshake, signal) => {
      signal.addEventListener('abort', () => {
        aborted += 1;
      });
      await released;
      return letIn(handshake, signal);
    });
    const clients = asking(50, 'h2c', port, questions[method]);
    while (handshakes.length < 50) await turn();
    for (const client of clients) client.reset();
    while (aborted < 50) await turn();
    release();
    while (abandons.length < 50) await turn();
    expect(guests).toEqual([]);
    await new Promise((resolve) => server.close(resolve));
  },
);

it.each([
  ['http', 'GET'],
  ['http', 'POST'],
  ['h2c', 'GET'],
  ['h2c', 'POST'],
] as const)(
  'threat 14: clients that go while a gateway authenticates them are refused by it with 503, which throws nothing, and hold no place: %s, %s',
  async (scheme, method) => {
    const server = scheme === 'http' ? createServer() : createHttp2Server();
    let asked = 0;
    const gateway = createGateway(createBus(), {
      transports: [createSseTransport({ server })],
      limits: { maxConnections: 50, maxConnectionsPerAddress: 50 },
      authorize: () => true,
      authenticate: () => {
        asked += 1;
        return asked > 50 ? {} : new Promise(() => {});
      },
    });
    const refusals: string[] = [];
    gateway.observe('rejected', ({ why }) => refusals.push(why));
    const errors: unknown[] = [];
    gateway.observe('error', ({ error }) => errors.push(error));
    await gateway.open();
    const { port } = await listening(server as Server);
    const clients = asking(50, scheme, port, questions[method]);
    while (asked < 50) await turn();
    const [tooMany] = asking(1, scheme, port, questions[method]);
    while (refusals.length < 1) await turn();
    for (const client of clients) client.reset();
    while (refusals.length < 51) await turn();
    expect(refusals).toEqual(['maxConnections', ...Array.from({ length: 50 }, () => 'too late')]);
    const late = dial(scheme, port);
    expect((await late.ask(questions[method]))?.status).toBe(200);
    expect([asked, refusals.length, errors]).toEqual([51, 51, []]);
    for (const client of [late, tooMany]) client?.reset();
    await gateway.close();
    await new Promise((resolve) => server.close(resolve));
  },
);

it.each(['first', 'last'])(
  'threat 36: who comes while another transport still closes is told to come again, and nobody is told 404: closed %s',
  async (place) => {
    const server = createServer((_, response) => response.writeHead(404).end());
    const { port, stop } = await listening(server);
    let closeSlow = (): void => {};
    const slow: Transport = {
      name: 'slow',
      open: async () => {},
      drain() {},
      close: () =>
        new Promise((resolve) => {
          closeSlow = resolve;
        }),
    };
    const sse = createSseTransport({ server });
    const sseClosed = new Promise<void>((resolve) => {
      const close = sse.close.bind(sse);
      sse.close = () => close().finally(() => setImmediate(resolve));
    });
    const gateway = createGateway(createBus(), {
      transports: place === 'first' ? [sse, slow] : [slow, sse],
      authenticate: () => ({}),
    });
    await gateway.open();
    const closed = gateway.close();
    await sseClosed;
    const client = dial('http', port);
    expect((await client.ask(questions.GET))?.status).toBe(200);
    closeSlow();
    await closed;
    expect((await client.ask(questions.GET))?.status).toBe(404);
    client.reset();
    await stop();
  },
);
