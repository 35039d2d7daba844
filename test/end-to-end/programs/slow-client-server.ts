/** A server that publishes as much as it is told, and measures its memory meanwhile. Runs with --expose-gc. */
import { createBus } from '@hexbus/core';
import { createGateway } from '@hexbus/core/gateway';
import { createSqliteHistory } from '@hexbus/store-sqlite';
import { argumentOf, obey } from '../support/commands.ts';
import { Entrance } from '../support/entrance.ts';
import { Watch } from '../support/watch.ts';

const { file } = argumentOf<{ readonly file: string }>();
const bus = createBus({
  history: createSqliteHistory({ file, durability: 'os' }),
  topics: { big: { retain: { maxCount: 1_000_000 } } },
});
const entrance = new Entrance();
const gateway = createGateway(bus, {
  transports: entrance.transports,
  authorize: () => true,
  timings: { drainMs: 0, pingMs: 60_000, helloTimeoutMs: 60_000, stallTimeoutMs: 15_000 },
});
let stalled = false;
const watch = new Watch();
gateway.observe('stalled', () => {
  stalled = true;
  watch.changed();
});
const body = 'x'.repeat(16_000);
let number = 0;

export interface Memory {
  /** What the process has of the machine. */
  readonly rss: number;
  /** What of it is in use. */
  readonly used: number;
}

function more(before: Memory): Memory {
  globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss: Math.max(before.rss, rss), used: Math.max(before.used, heapUsed + external) };
}

obey({
  async open(): Promise<number> {
    await bus.open();
    await gateway.open();
    return entrance.listen();
  },
  /** Resolves with the most memory that the process had, each time after everything that can be freed was. */
  async publish(count: number): Promise<Memory> {
    let most: Memory = { rss: 0, used: 0 };
    for (let left = count; left > 0; left -= 50) {
      await Promise.all(
        Array.from({ length: Math.min(50, left) }, () => {
          number += 1;
          return bus.publish('big', body, { id: String(number) });
        }),
      );
      if (left % 1_000 === 0) most = more(most);
    }
    return most;
  },
  /** Resolves when a client was taken for one that does not read. */
  stalled: () => watch.until(() => stalled),
});
