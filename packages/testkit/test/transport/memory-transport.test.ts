import type { Admission, Carrier, CarrierListener, Handshake } from '@hexbus/core/gateway';
import { createFrameBatch, createMemoryTransport } from '@hexbus/testkit';
import { expect, it } from 'vitest';

async function opened(admit?: (handshake: Handshake) => Admission) {
  const log: string[] = [];
  const carriers: Carrier[] = [];
  const listener: CarrierListener = {
    received: (text) => void log.push(text),
    drained: () => void log.push('drained'),
    closed: (code, reason) => void log.push(`closed ${code} ${reason}`),
  };
  const accepted: Admission = {
    accepted: true,
    protocol: 'p',
    connect(carrier) {
      carriers.push(carrier);
      return listener;
    },
    abandon: () => void log.push('abandoned'),
  };
  const transport = createMemoryTransport();
  await transport.open({
    node: 'lab',
    admit: async (handshake) => admit?.(handshake) ?? accepted,
    relay: async () => undefined,
    onRelayed: () => {},
    error: () => {},
    closed: AbortSignal.abort(),
  });
  return { transport, log, carriers };
}

it('carries what a client sends before it is admitted', async () => {
  const { transport, log } = await opened();
  const client = transport.connect();
  client.send('hello');
  expect(await client.answer).toEqual({ accepted: true, protocol: 'p' });
  await Promise.resolve();
  expect(log).toEqual(['hello']);
});

it('queues for a client that reads nothing, batch by batch', async () => {
  const { transport, log, carriers } = await opened();
  const client = transport.connect();
  await client.answer;
  client.pause();
  expect(carriers[0]?.send(createFrameBatch('a', 'b'))).toBe('queued');
  expect(carriers[0]?.send(createFrameBatch('é'))).toBe('queued');
  expect(carriers[0]?.bufferedBytes).toBe(4);
  client.read(1);
  expect(client.take()).toEqual(['a', 'b']);
  expect(carriers[0]?.bufferedBytes).toBe(2);
  client.read(1);
  expect(client.arrived).toEqual(['é']);
  expect(log).toEqual([]);
  await Promise.resolve();
  expect(log).toEqual(['drained']);
});

it('needs no more than microtasks from a cut to its end', async () => {
  const { transport, log } = await opened();
  const client = transport.connect();
  await client.answer;
  client.reset();
  await Promise.resolve();
  expect(log).toEqual(['closed 1006 ']);
  expect(transport.count).toBe(0);
});

it('hands on the handshake that the test made', async () => {
  const seen: Handshake[] = [];
  const { transport } = await opened((handshake) => {
    seen.push(handshake);
    return { accepted: false, status: 429, reason: 'too many', retryAfterMs: 5_000 };
  });
  const client = transport.connect({ address: '10.0.0.1', headers: { cookie: 'a=b' } });
  expect(await client.answer).toMatchObject({ status: 429, retryAfterMs: 5_000 });
  expect(seen).toEqual([
    { transport: 'memory', url: '/', headers: { cookie: 'a=b' }, address: '10.0.0.1', protocols: ['hexbus.v1.json'] },
  ]);
});
