import { createFrameBatch } from '@hexbus/testkit';
import { EventSource } from 'eventsource';
import { afterEach, describe, expect, it } from 'vitest';
import { type Admit, closeAfterEach, letIn, openSse } from './support/host.ts';
import { RawClient } from './support/raw-client.ts';

closeAfterEach();

const sources: EventSource[] = [];
afterEach(() => {
  for (const source of sources.splice(0)) source.close();
});

/** A real EventSource, and what it heard. */
function follow(port: number, query = '') {
  const source = new EventSource(`http://127.0.0.1:${port}/hexbus/sse${query}`);
  sources.push(source);
  const heard: string[] = [];
  let look = (): void => {};
  source.onmessage = ({ data, lastEventId }) => {
    heard.push(`${lastEventId} ${data as string}`);
    look();
  };
  return {
    source,
    heard,
    hears: (count: number) =>
      new Promise<void>((resolve) => {
        look = () => heard.length >= count && resolve();
        look();
      }),
    /** It has given up, with this status. */
    gaveUp: new Promise<number | undefined>((resolve) => {
      source.onerror = ({ code }) => source.readyState === source.CLOSED && resolve(code);
    }),
  };
}

it('follows, and comes back with the last id when its stream breaks off', async () => {
  const { port, nextGuest, handshakes } = await openSse({ retryMs: 1 });
  const arriving = nextGuest();
  const client = follow(port, '?topic=a&topic=b.*&from=earliest');
  const first = await arriving;
  expect(handshakes[0]).toMatchObject({ protocols: [], url: '/hexbus/sse?topic=a&topic=b.*&from=earliest' });
  const coming = nextGuest();
  const frames = [
    { text: '[5,1]', cursor: 'e.7' },
    { text: '{}', event: 'ping', cursor: 'e.8' },
  ];
  first.carrier.send({ frames, bytes: 7, encoded: (encode) => encode(frames) });
  await client.hears(1);
  first.carrier.terminate();
  const second = await coming;
  expect(handshakes[1]?.headers['last-event-id']).toBe('e.8');
  second.carrier.send(createFrameBatch('[5,2]'));
  await client.hears(2);
  expect(client.heard).toEqual(['e.7 [5,1]', ' [5,2]']);
});

it('is told by name that its stream ends, and comes back', async () => {
  const { port, nextGuest } = await openSse({ retryMs: 1 });
  const arriving = nextGuest();
  const { source } = follow(port);
  const { carrier, ended } = await arriving;
  const told = new Promise((resolve) =>
    source.addEventListener('close', ({ data }) => resolve(JSON.parse(data as string))),
  );
  const coming = nextGuest();
  carrier.close(1012, 'restart');
  expect(await told).toEqual({ code: 1012, reason: 'restart' });
  expect(await ended).toBe(1012);
  await coming;
});

it('is told how long to wait before it comes back, spread up to its double', async () => {
  const { port } = await openSse({ retryMs: 1_000 });
  const pauses = new Set<number>();
  for (let count = 0; count < 20; count++) {
    const client = new RawClient(port);
    client.ask();
    await client.answer();
    await client.until(() => client.text.endsWith(':\n'));
    pauses.add(Number(/^retry: (\d+)\n:\n$/.exec(client.text)?.[1]));
    client.socket.destroy();
  }
  expect(Math.min(...pauses)).toBeGreaterThanOrEqual(1_000);
  expect(Math.max(...pauses)).toBeLessThanOrEqual(2_000);
  expect(pauses.size).toBeGreaterThan(1);
});

describe('threat 36: whom the host cannot take now', () => {
  it.each([429, 503] as const)('it lets come back: %d', async (status) => {
    let refusals = 3;
    const admit: Admit = async (handshake, signal) => {
      if (refusals-- > 0) return { accepted: false, status, reason: 'later', retryAfterMs: 1 };
      return letIn(handshake, signal);
    };
    const { port, nextGuest, handshakes } = await openSse({}, admit);
    const arriving = nextGuest();
    const client = follow(port);
    const { carrier } = await arriving;
    carrier.send(createFrameBatch('here'));
    await client.hears(1);
    expect(handshakes).toHaveLength(4);
  });

  it('it tells the pause, spread up to its double, and nothing else', async () => {
    const { port, transport } = await openSse({}, async () => ({
      accepted: false,
      status: 429,
      reason: 'later',
      retryAfterMs: 1_000,
    }));
    const pauses = new Set<number>();
    const ask = async (): Promise<void> => {
      const response = await fetch(`http://127.0.0.1:${port}/hexbus/sse`);
      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
      pauses.add(Number(/^retry: (\d+)\n\n$/.exec(await response.text())?.[1]));
    };
    for (let count = 0; count < 20; count++) await ask();
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(1_000);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(2_000);
    expect(pauses.size).toBeGreaterThan(1);
    transport.drain();
    pauses.clear();
    await ask();
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(2_000);
  });
});

it.each([400, 401, 403] as const)(
  'threat 36: whom the host never takes is told so, and gives up: %d',
  async (status) => {
    const { port, handshakes } = await openSse({ retryMs: 1 }, async () => ({ accepted: false, status, reason: 'no' }));
    expect(await follow(port).gaveUp).toBe(status);
    expect(handshakes).toHaveLength(1);
  },
);

it('threat 33: a Last-Event-ID that is too long does not arrive; any other is handed on as it is', async () => {
  const { port, handshakes } = await openSse();
  const statusWith = async (id: string): Promise<number> => {
    const client = new RawClient(port);
    client.ask({ headers: { 'Last-Event-ID': id } });
    const { status } = await client.answer();
    client.socket.destroy();
    return status;
  };
  expect(await statusWith('x'.repeat(17_000))).toBe(431);
  expect(handshakes).toEqual([]);
  expect(await statusWith('e.1\x01')).toBe(400);
  expect(await statusWith('other.1 ü')).toBe(200);
  expect(await statusWith('x'.repeat(1_000))).toBe(200);
  expect(handshakes).toHaveLength(2);
});

it('a stream that only listens has no link: nothing can be posted on it', async () => {
  const { port, nextGuest } = await openSse();
  const arriving = nextGuest();
  const client = new RawClient(port);
  client.ask();
  const guest = await arriving;
  guest.carrier.pause();
  guest.carrier.resume();
  await client.until(() => client.text.includes(':\n'));
  expect(client.text).not.toContain('link');
  client.socket.resetAndDestroy();
  expect(await guest.ended).toBe(1006);
});
