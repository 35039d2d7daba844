import { connect } from 'node:net';
import { createBus } from '@hexbus/core';
import { createGateway, type Identity } from '@hexbus/core/gateway';
import { expect, onTestFinished, test } from 'vitest';
import { BareStream } from './support/bare-stream.ts';
import { Child, canRunPrograms } from './support/child.ts';
import { Entrance } from './support/entrance.ts';
import { clientOf } from './support/house.ts';
import { RawClient } from './support/raw-client.ts';
import { createDraw, seed } from './support/seed.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';
import { type Via, vias } from './support/via.ts';
import { nextTurn, Watch } from './support/watch.ts';

/** What a client writes first. */
const knock: Readonly<Record<Via, string>> = {
  ws:
    'GET /hexbus HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: hexbus.v1.json\r\n\r\n',
  sse:
    'POST /hexbus/sse HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n' +
    'Hexbus-Protocol: hexbus.v1.json\r\nContent-Length: 11\r\n\r\n[1,{"v":1}]',
};

test.each(vias)(
  `clients over %s that reset while they are looked up leave nothing behind (seed ${seed})`,
  async (via) => {
    const resets = 500;
    const draw = createDraw();
    const lookups: (() => void)[] = [];
    const watch = new Watch();
    let knocks = 0;
    let gone = 0;
    const entrance = new Entrance();
    entrance.onConnection((socket) => {
      socket.on('close', () => {
        gone += 1;
        watch.changed();
      });
    });
    const bus = createBus();
    const gateway = createGateway(bus, {
      transports: entrance.transports,
      authenticate: () =>
        new Promise<Identity>((resolve) => {
          knocks += 1;
          lookups.push(() => resolve({ userId: 'ann' }));
          watch.changed();
        }),
      // Had one place been kept, the last client would find none.
      limits: { maxConnections: 20, maxConnectionsPerAddress: 20, maxConnectionsPerUser: 1 },
      timings: { drainMs: 0 },
    });
    await bus.open();
    await gateway.open();
    const port = await entrance.listen();
    onTestFinished(async () => {
      await gateway.close();
      await bus.close();
      await entrance.close();
    });
    for (let done = 0; done < resets; done += 20) {
      const sockets = Array.from({ length: 20 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
      for (const socket of sockets) socket.write(knock[via]);
      await watch.until(() => knocks === done + 20);
      // Some are found just before or while they go, most after that.
      for (const socket of sockets) {
        if (draw(4) === 0) lookups.pop()?.();
        if (draw(4) === 0) await nextTurn();
        socket.resetAndDestroy();
      }
      await watch.until(() => gone === done + 20);
      for (const found of lookups.splice(0)) found();
      await nextTurn();
    }
    expect(gateway.connections.count).toBe(0);
    const client = clientOf(via, port);
    const opened = client.open();
    await watch.until(() => lookups.length === 1);
    lookups.pop()?.();
    await opened;
    expect(gateway.connections.count).toBe(1);
  },
);

test.runIf(canRunPrograms).each(vias)(
  'a server with 1,000 clients over %s and 200 open requests ends by itself',
  async (via) => {
    const drainMs = 2_000;
    const server = new Child('closing-server', { file: temporaryDirectory()('bus.db'), drainMs });
    const port = await server.call<number>('open');
    const never = 600_000;
    const asking = clientOf(via, port, {
      timings: { reconnectDelayMs: never, maxReconnectDelayMs: never },
      randomness: { fraction: () => 0.5 },
    });
    asking.handle('hang', () => new Promise(() => undefined));
    await asking.open();
    const clients: RawClient[] = [];
    while (clients.length < 999) {
      const some = Array.from({ length: 50 }, () => new RawClient(via, port)).slice(0, 999 - clients.length);
      await Promise.all(some.map((client) => client.enter({ subs: [[1, 'news', 'earliest']] })));
      clients.push(...some);
    }
    const endless = { timeoutMs: Number.POSITIVE_INFINITY };
    const ofClient = Array.from({ length: 50 }, () => asking.request('hang', null, endless));
    await server.call('ask', 100);
    for (const client of clients.slice(0, 50)) client.say(['hang', null, 2]);
    await server.call('asked', 100);
    // One that takes no notice must not hold up the others.
    clients[500]?.link.pause();

    const ofServer = await server.call<readonly string[]>('close');
    const { code, signal, stderr } = await server.ended;
    expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' });
    expect(ofServer).toEqual(Array(100).fill('disconnected'));
    for (const outcome of await Promise.all(ofClient))
      expect(outcome).toMatchObject({ status: 'error', code: 'disconnected' });
    clients[500]?.link.resume();
    const codes = new Set(await Promise.all(clients.map(({ link }) => link.closed)));
    expect([...codes].filter((one) => one !== 1006)).toEqual([1012]);
  },
);

test.runIf(canRunPrograms)(
  '1,000 EventSources and 100 open requests: a server ends by itself, and all come back to the next one with nothing missing',
  { timeout: 120_000 },
  async () => {
    const drainMs = 2_000;
    const file = temporaryDirectory()('bus.db');
    const server = new Child('closing-server', { file, drainMs });
    const port = await server.call<number>('open');
    const asking = vias.map((via) => clientOf(via, port));
    await Promise.all(asking.map((client) => client.open()));
    const streams: BareStream[] = [];
    while (streams.length < 1_000) {
      const some = Array.from({ length: 50 }, () => new BareStream(port, 'topic=news&from=earliest'));
      await Promise.all(some.map((stream) => stream.watch.until(() => stream.openings > 0)));
      streams.push(...some);
    }
    const got = (count: number): Promise<unknown> =>
      Promise.all(streams.map(({ watch, heard }) => watch.until(() => heard.length >= count)));
    await server.call('publish', [1, 2, 3]);
    await got(3);
    const never = { timeoutMs: Number.POSITIVE_INFINITY };
    const outcomes = asking.flatMap((client) => Array.from({ length: 50 }, () => client.request('hang', null, never)));
    await server.call('asked', 100);

    await server.call('close');
    const { code, signal, stderr } = await server.ended;
    expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' });
    for (const outcome of await Promise.all(outcomes))
      expect(outcome).toMatchObject({ status: 'error', code: 'disconnected' });

    const next = new Child('closing-server', { file, drainMs: 0, port });
    await next.call('open');
    await next.call('publish', [4, 5, 6]);
    await got(6);
    for (const { heard, refused, signals } of streams)
      expect({ bodies: heard.map(({ body }) => body), refused, signals }).toEqual({
        bodies: [1, 2, 3, 4, 5, 6],
        refused: undefined,
        signals: [],
      });
    // 46: they did not come all at once.
    const pauses = streams.flatMap(({ pausesMs }) => pausesMs);
    expect(pauses.length).toBe(1_000);
    expect(Math.max(...pauses) - Math.min(...pauses)).toBeGreaterThan(0.9 * drainMs);
  },
);
