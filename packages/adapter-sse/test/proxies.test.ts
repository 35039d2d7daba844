import { createServer, request as httpRequest, type RequestListener, type ServerResponse } from 'node:http';
import { createGzip, type Gzip } from 'node:zlib';
import { createSseTransport } from '@hexbus/adapter-sse';
import { createFrameBatch } from '@hexbus/testkit';
import { expect, it } from 'vitest';
import { listening } from '../../../test/support/transports/servers.ts';
import { dial } from './support/dial.ts';
import { closeAfterEach, type Guest, type Opened, open } from './support/host.ts';
import { RawClient } from './support/raw-client.ts';

closeAfterEach();

/** Compresses what a handler answers, unless the answer forbids it: as middleware does that wraps the response. */
function compressed(handle: RequestListener): RequestListener {
  return (request, response) => {
    const plain = { write: response.write.bind(response), end: response.end.bind(response) } as ServerResponse;
    let gzip: Gzip | undefined;
    let isDecided = false;
    const target = (): Gzip | ServerResponse => {
      if (!isDecided && !String(response.getHeader('cache-control')).includes('no-transform')) {
        response.setHeader('Content-Encoding', 'gzip');
        response.removeHeader('Content-Length');
        gzip = createGzip();
        gzip.on('data', (chunk) => plain.write(chunk));
        gzip.on('end', () => plain.end());
      }
      isDecided = true;
      return gzip ?? plain;
    };
    Object.assign(response, {
      write: (chunk: Buffer | string) => target().write(chunk),
      end: (chunk: Buffer | string = '') => void target().end(chunk),
    });
    handle(request, response);
  };
}

async function received(opened: Opened, client: RawClient): Promise<{ guest: Guest; head: string }> {
  const arriving = opened.nextGuest();
  client.ask({ headers: { 'Accept-Encoding': 'gzip' } });
  const guest = await arriving;
  const { head } = await client.answer();
  guest.carrier.send(createFrameBatch('at once'));
  // Nothing else is written, so what is held back would never come.
  await client.until(() => client.text.includes('data: at once\n\n'));
  return { guest, head };
}

it('threat 35: behind middleware that compresses, events come at once', async () => {
  const transport = createSseTransport();
  const opened = await open(transport);
  const { port, stop } = await listening(
    createServer(
      compressed((request, response) => {
        if (request.url === '/hexbus/sse') transport.handler(request, response);
        else response.end('x'.repeat(10_000));
      }),
    ),
  );
  const caller = dial('http', port);
  const other = await caller.ask({ url: '/other', headers: { 'accept-encoding': 'gzip' } });
  expect(other?.headers['content-encoding']).toBe('gzip');
  other?.body.resume();
  const client = new RawClient(port);
  const { guest, head } = await received(opened, client);
  expect(head).not.toContain('Content-Encoding');
  expect(client.text).toMatch(/^retry: \d{4}\n:\ndata: at once\n\n$/);
  guest.carrier.close(1000, 'done');
  await client.closed;
  expect(client.text).toContain('event: close\ndata: {"code":1000,"reason":"done"}\n\n');
  caller.reset();
  await stop();
});

it('threat 35: through a proxy of Node, events come at once, and either end is seen at the other', async () => {
  const opened = await open(createSseTransport({ port: 0, host: '127.0.0.1' }));
  const { port, stop } = await listening(
    createServer((request, response) => {
      const { method = '', url = '', headers } = request;
      const upstream = httpRequest({ host: '127.0.0.1', port: opened.port, method, path: url, headers });
      upstream.on('response', (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      upstream.on('error', () => response.destroy());
      response.on('close', () => upstream.destroy());
      request.pipe(upstream);
    }),
  );
  const first = new RawClient(port);
  const { guest } = await received(opened, first);
  first.socket.destroy();
  expect(await guest.ended).toBe(1006);
  const second = new RawClient(port);
  const { guest: next } = await received(opened, second);
  next.carrier.close(1012, '');
  await second.closed;
  expect(second.text).toContain('event: close');
  await stop();
});
