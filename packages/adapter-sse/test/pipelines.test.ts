import { createServer } from 'node:http';
import { createSseTransport } from '@hexbus/adapter-sse';
import { createFrameBatch } from '@hexbus/testkit';
import { describe, expect, it } from 'vitest';
import { listening } from '../../../test/support/transports/servers.ts';
import { type Admit, closeAfterEach, letIn, type Opened, open, openSse } from './support/host.ts';
import { opened, RawClient } from './support/raw-client.ts';

closeAfterEach();

interface Lab extends Opened {
  stop(): Promise<void>;
}

/** A transport in each of its places. */
const places: Record<string, (admit?: Admit) => Promise<Lab>> = {
  owner: async (admit) => ({ ...(await openSse({}, admit)), stop: async () => {} }),
  guest: async (admit) => {
    const { server, port, stop } = await listening(createServer((_, response) => void response.end('theirs')));
    return { ...(await openSse({ server }, admit)), port, stop };
  },
  mounted: async (admit) => {
    const transport = createSseTransport();
    const server = createServer((request, response) => {
      if (request.url?.startsWith('/hexbus/sse')) transport.handler(request, response);
      else response.end('theirs');
    });
    const { port, stop } = await listening(server);
    return { ...(await open(transport, admit)), port, stop };
  },
};

it('answers a question that was sent before the one before it was answered', async () => {
  const { port, nextGuest } = await openSse();
  const arriving = nextGuest();
  const client = new RawClient(port);
  client.ask({ method: 'OPTIONS' });
  client.ask();
  expect((await client.answer()).status).toBe(204);
  expect((await client.answer()).status).toBe(200);
  const { carrier } = await arriving;
  carrier.send(createFrameBatch('one'));
  await client.until(() => client.text.includes('data: one\n\n'));
  carrier.terminate();
  await client.closed;
  expect(client.text).toMatch(/^retry: \d{4}\n:\ndata: one\n\n$/);
});

describe.each(Object.keys(places))('behind a stream, where no question is ever answered: %s', (place) => {
  it.each(['/hexbus/sse', '/other'])('whoever asks one is cut: %s', async (path) => {
    const lab = await places[place]?.();
    const client = await opened(lab?.port ?? 0);
    client.ask({ path });
    expect(await lab?.guests[0]?.ended).toBe(1006);
    await client.closed;
    expect(lab?.handshakes).toHaveLength(1);
    await lab?.stop();
  });

  // What a program answers itself a mounted transport does not see.
  it.each(place === 'mounted' ? ['/hexbus/sse'] : ['/hexbus/sse', '/other'])(
    'whoever asked one before it began gets no stream: %s',
    async (path) => {
      let decide = (): void => {};
      const decided = new Promise<void>((resolve) => {
        decide = resolve;
      });
      const lab = await places[place]?.(async (handshake, signal) => {
        await decided;
        return letIn(handshake, signal);
      });
      const client = new RawClient(lab?.port ?? 0);
      client.socket.cork();
      client.open('first');
      client.ask({ path });
      client.socket.uncork();
      while (lab?.handshakes.length === 0) await new Promise((resolve) => setImmediate(resolve));
      decide();
      await client.closed;
      expect(client.text).toBe('');
      expect([lab?.handshakes.length, lab?.abandons.length, lab?.guests.length]).toEqual([1, 1, 0]);
      await lab?.stop();
    },
  );
});

it('a stream in chunks that ended leaves its connection to the next question', async () => {
  const { port, nextGuest } = await openSse({ chunked: true });
  const arriving = nextGuest();
  const client = new RawClient(port);
  client.ask();
  const { carrier, ended } = await arriving;
  carrier.close(1000, 'done');
  expect(await ended).toBe(1000);
  await client.until(() => client.text.endsWith('0\r\n\r\n'));
  const coming = nextGuest();
  client.ask();
  await coming;
  client.socket.destroy();
});
