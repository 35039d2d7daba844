import { createWsTransport } from '@hexbus/adapter-ws';
import { createBus } from '@hexbus/core';
import { createGateway } from '@hexbus/core/gateway';
import { createSqliteHistory } from '@hexbus/store-sqlite';

/** What one message weighs, and how many are published before others are. */
const bodyBytes = 16_000;
const together = 50;

const bus = createBus({
  history: createSqliteHistory({ file: process.argv[2] ?? ':memory:', durability: 'os' }),
  topics: { big: { retain: { maxCount: 1_000_000 } } },
});
const transport = createWsTransport({ port: 0, host: '127.0.0.1' });
const gateway = createGateway(bus, {
  transports: [transport],
  authorize: () => true,
  timings: { drainMs: 0, pingMs: 60_000, stallTimeoutMs: 1_000 },
});
await bus.open();
await gateway.open();

const body = 'x'.repeat(bodyBytes);

/** Publishes so many, and tells the most resident memory, looked at after each thousand, after a collection. */
process.on('message', async (count: number) => {
  let mostBytes = 0;
  for (let left = count; left > 0; left -= together) {
    await Promise.all(Array.from({ length: together }, () => bus.publish('big', body)));
    if (left % 1000 !== 0) continue;
    global.gc?.();
    mostBytes = Math.max(mostBytes, process.memoryUsage.rss());
  }
  process.send?.({ mostBytes });
});
process.send?.({ port: transport.port });
