import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { type Clock, systemClock } from '@hexbus/core';
import { createSeededRandomness, createVirtualClock } from '@hexbus/testkit';
import { type ChaosProxy, type ChaosProxyOptions, createChaosProxy } from '@hexbus/testkit/chaos';
import { afterEach, expect, it } from 'vitest';

const sockets = new Set<Socket>();
let server: Server | undefined;
let proxy: ChaosProxy | undefined;

afterEach(async () => {
  await proxy?.close();
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  const closed = new Promise((resolve) => server?.close(resolve));
  await closed;
});

/** A server that echoes or swallows, and a proxy in front of it. */
async function start(
  options: Partial<ChaosProxyOptions> = {},
  echoes = true,
): Promise<{ proxy: ChaosProxy; taken: Socket[] }> {
  const taken: Socket[] = [];
  server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket.on('error', () => {}));
    taken.push(socket);
    if (echoes) socket.pipe(socket);
    else socket.resume();
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  proxy = await createChaosProxy({
    target: { port },
    randomness: createSeededRandomness(1),
    clock: createVirtualClock(),
    ...options,
  });
  return { proxy, taken };
}

function client(port: number) {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  sockets.add(socket);
  const chunks: Buffer[] = [];
  let grown = (): void => {};
  socket.on('end', () => socket.end());
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    grown();
  });
  const bytes = () => chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  let error: string | undefined;
  socket.on('error', (failure: NodeJS.ErrnoException) => {
    error = failure.code;
  });
  return {
    socket,
    bytes,
    text: () => Buffer.concat(chunks).toString(),
    got: (count: number) =>
      new Promise<void>((resolve) => {
        grown = () => bytes() >= count && resolve();
        grown();
      }),
    ended: new Promise<void>((resolve) => void socket.on('end', resolve)),
    closed: new Promise<string>((resolve) => void socket.on('close', () => resolve(error ?? 'in order'))),
  };
}

/** Whether the block goes to the proxy while a hundred turns pass. */
async function isTaken(socket: Socket, block: Buffer): Promise<boolean> {
  let taken = false;
  socket.write(block, () => {
    taken = true;
  });
  for (let turns = 0; turns < 100; turns++) await new Promise(setImmediate);
  return taken;
}

it('forwards both ways and unchanged while it is calm, ends included', async () => {
  const { proxy } = await start();
  const { socket, text, closed } = client(proxy.port);
  const sent = 'x'.repeat(1_000_000);
  socket.end(sent);
  expect(await closed).toBe('in order');
  expect(text()).toBe(sent);
  expect(proxy.stats).toMatchObject({ accepted: 1, bytesUp: 1_000_000, bytesDown: 1_000_000 });
});

it.each([
  ['reset', 'ECONNRESET'],
  ['end', 'in order'],
] as const)('cuts all with %s when asked', async (how, seen) => {
  const { proxy } = await start();
  const one = client(proxy.port);
  one.socket.write('hello');
  await one.got(5);
  expect(proxy.cut(how)).toBe(1);
  expect(await one.closed).toBe(seen);
});

it('cuts also what waits for a client that reads nothing', async () => {
  const { proxy, taken } = await start();
  const one = client(proxy.port);
  one.socket.write('a');
  await one.got(1);
  one.socket.pause();
  taken[0]?.write(Buffer.alloc(64 * 1024 * 1024));
  // Until neither the proxy nor the kernel takes more for it.
  for (let before = -1; before !== proxy.stats.bytesDown; ) {
    before = proxy.stats.bytesDown;
    for (let turns = 0; turns < 100; turns++) await new Promise(setImmediate);
  }
  proxy.cut();
  await proxy.close();
  expect(proxy.stats.open).toBe(0);
});

it('cuts also a connection that is just being half-closed', async () => {
  const moments: (() => void)[] = [];
  const clock: Clock = {
    ...systemClock,
    setTimer(callback) {
      moments.push(callback);
      return () => {};
    },
  };
  const { proxy } = await start({ mode: 'wild', faults: ['half-close'], clock });
  const one = client(proxy.port);
  one.socket.write('a');
  await one.got(1);
  for (const strike of moments.splice(0)) strike();
  proxy.cut();
  await proxy.close();
  expect(proxy.stats).toMatchObject({ open: 0, faults: { 'half-close': 2 } });
});

it('swallows what still comes on a half-closed way, also when that was full', async () => {
  const moments: (() => void)[] = [];
  const clock: Clock = {
    ...systemClock,
    setTimer(callback) {
      moments.push(callback);
      return () => {};
    },
  };
  const { proxy, taken } = await start({ faults: ['half-close'], mode: 'calm', clock });
  const one = client(proxy.port);
  one.socket.write('a');
  await one.got(1);
  taken[0]?.unpipe().pause();
  // Until neither the proxy nor the kernel takes more from it.
  const block = Buffer.alloc(1024 * 1024);
  while (await isTaken(one.socket, block));
  proxy.setMode('wild');
  one.socket.removeAllListeners('end');
  for (const strike of moments.splice(0)) strike();
  await new Promise<void>((resolve) => void one.socket.write('and this too', () => resolve()));
  expect(one.socket.writableLength).toBe(0);
});

it('passes nothing while it is stalled, and everything afterwards', async () => {
  const { proxy, taken } = await start();
  const one = client(proxy.port);
  one.socket.write('before ');
  await one.got(7);
  proxy.stall();
  one.socket.write('after');
  // A connection made meanwhile is stalled too; by the time that it stands, the others had theirs.
  const two = client(proxy.port);
  await new Promise((resolve) => two.socket.on('connect', resolve));
  two.socket.write('second');
  expect(taken[0]?.bytesRead).toBe(7);
  proxy.resume();
  await Promise.all([one.got(12), two.got(6)]);
  expect(one.text()).toBe('before after');
});

it('resets new connections while it refuses, and only these', async () => {
  const { proxy } = await start();
  const old = client(proxy.port);
  old.socket.write('a');
  await old.got(1);
  proxy.setMode('refuse');
  const fresh = client(proxy.port);
  expect(await fresh.closed).toBe('ECONNRESET');
  old.socket.write('b');
  await old.got(2);
  expect(proxy.stats).toMatchObject({ accepted: 1, open: 1 });
});

it.each(['reset', 'end'] as const)('cuts with %s after the same number of bytes for the same seed', async (fault) => {
  const counts: number[] = [];
  for (let run = 0; run < 2; run++) {
    const { proxy } = await start({ mode: 'wild', faults: [fault], maxBytesBetweenFaults: 50_000 }, false);
    const one = client(proxy.port);
    one.socket.write('x'.repeat(100_000));
    await one.closed;
    counts.push(proxy.stats.bytesUp);
    expect(proxy.stats.faults[fault]).toBeGreaterThan(0);
    await proxy.close();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server?.close(resolve));
  }
  expect(counts[0]).toBe(counts[1]);
  expect(counts[0]).toBeLessThanOrEqual(50_000);
});

it('half-closes one way and lets the other go on', async () => {
  const { proxy, taken } = await start({ mode: 'wild', faults: ['half-close'], maxBytesBetweenFaults: 1 });
  const one = client(proxy.port);
  one.socket.write('abc');
  await one.ended;
  expect(one.text().length).toBeLessThanOrEqual(1);
  expect(taken[0]?.bytesRead).toBe(1);
  expect(proxy.stats.faults['half-close']).toBeGreaterThan(0);
});

it('delays by its clock, and loses nothing', async () => {
  const clock = createVirtualClock();
  const { proxy } = await start({ mode: 'wild', faults: ['delay'], maxBytesBetweenFaults: 1_000, clock });
  const one = client(proxy.port);
  const sent = Array.from({ length: 2_000 }, (_, count) => `${count},`).join('');
  one.socket.write(sent);
  while (one.bytes() < sent.length) await clock.advance(100);
  expect(one.text()).toBe(sent);
  expect(proxy.stats.faults.delay).toBeGreaterThan(5);
});

it('strikes a silent connection when its moment comes', async () => {
  const clock = createVirtualClock();
  const { proxy } = await start({ mode: 'wild', faults: ['reset'], maxMsBetweenFaults: 500, clock });
  const one = client(proxy.port);
  await new Promise((resolve) => one.socket.on('connect', resolve));
  while (proxy.stats.accepted === 0) await clock.advance(0);
  await clock.advance(500);
  expect(await one.closed).toBe('ECONNRESET');
});

it('leaves no connection, no listener and no timer behind', async () => {
  const clock = createVirtualClock();
  const { proxy } = await start({ mode: 'wild', faults: ['stall', 'delay'], maxBytesBetweenFaults: 10, clock });
  const clients = Array.from({ length: 10 }, () => client(proxy.port));
  for (const { socket } of clients) socket.write('x'.repeat(1_000));
  await Promise.all(clients.map(({ socket }) => new Promise((resolve) => socket.on('connect', resolve))));
  while (proxy.stats.accepted < 10) await clock.advance(0);
  const closing = proxy.close();
  expect(proxy.close()).toBe(closing);
  await closing;
  await Promise.all(clients.map(({ closed }) => closed));
  expect(proxy.stats.open).toBe(0);
  expect(clock.pendingTimers).toBe(0);
  expect(await client(proxy.port || 1).closed).toBe('ECONNREFUSED');
});
