import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createBus } from '@hexbus/core';
import { createSqliteHistory } from '@hexbus/store-sqlite';
import { bodyOf, stepOf } from '../bodies.ts';
import type { Scenario } from '../harness.ts';
import { inScratchFolder } from '../scratch-files.ts';

const together = 100;
const mebibyte = 1024 * 1024;

/** What came of it. Growth is resident memory in MiB above what the process had after the first publish. */
export interface SleepReport {
  readonly messages: number;
  readonly beforeMiB: number;
  readonly growthAsleepMiB: number;
  readonly growthHandlingMiB: number;
  /** What the heap holds more, after a collection, when all is published and nothing handled. */
  readonly heapGrowthMiB: number;
  readonly publishSeconds: number;
  readonly handleSeconds: number;
  readonly handled: number;
  readonly inOrder: boolean;
}

/** Publishes so many messages of 256 B to a topic in SQLite while its listener sleeps in the first one; then wakes it. To be run in a process of its own. */
export function sleepingListener(messages: number): Promise<SleepReport> {
  return inScratchFolder(async (folder) => {
    const bus = createBus<Record<string, unknown>>({
      history: createSqliteHistory({ file: join(folder, 'hexbus.db') }),
      topics: { '>': { retain: { maxCount: 1_000_000 } } },
    });
    await bus.open();
    let openGate: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      openGate = resolve;
    });
    let published = 0;
    let handled = 0;
    let inOrder = true;
    const listener = async ({ body }: { readonly body: unknown }): Promise<void> => {
      await gate;
      inOrder &&= stepOf(body) === handled;
      handled++;
    };
    const subscription = bus.subscribe('order.created', listener, { handleTimeoutMs: Number.POSITIVE_INFINITY });
    await subscription.ready;
    await publishUpTo(1, () => undefined);

    const before = process.memoryUsage.rss();
    const heapBefore = process.memoryUsage().heapUsed;
    const asleep = peak();
    const publishStart = performance.now();
    await publishUpTo(messages, asleep.sample);
    const publishSeconds = (performance.now() - publishStart) / 1000;

    global.gc?.();
    const heapGrowth = process.memoryUsage().heapUsed - heapBefore;
    const handling = peak();
    const timer = setInterval(handling.sample, 5);
    const handleStart = performance.now();
    openGate();
    await subscription.caughtUp();
    const handleSeconds = (performance.now() - handleStart) / 1000;
    clearInterval(timer);
    await bus.close();
    return {
      messages,
      beforeMiB: before / mebibyte,
      growthAsleepMiB: (asleep.bytes() - before) / mebibyte,
      growthHandlingMiB: (handling.bytes() - before) / mebibyte,
      heapGrowthMiB: heapGrowth / mebibyte,
      publishSeconds,
      handleSeconds,
      handled,
      inOrder,
    };

    async function publishUpTo(end: number, sample: () => void): Promise<void> {
      while (published < end) {
        const publishes: Promise<unknown>[] = [];
        while (publishes.length < together && published < end) {
          publishes.push(bus.publish('order.created', bodyOf(published++)));
        }
        await Promise.all(publishes);
        sample();
      }
    }
  });
}

function peak(): { readonly sample: () => void; readonly bytes: () => number } {
  let highest = process.memoryUsage.rss();
  return {
    sample: () => {
      highest = Math.max(highest, process.memoryUsage.rss());
    },
    bytes: () => highest,
  };
}

const contestant = 'hexbus';
const asleep = 'while it sleeps';
const handling = 'while it handles them';
const heap = 'of the heap after a collection';

export const sleeping: Scenario = {
  name: 'sleeping-listener',
  title: 'memory while a listener sleeps: a million messages of 256 B in SQLite',
  unit: 'MiB of growth',
  about:
    'Resident memory of a fresh process after its first message, without any warm-up, against the highest during all others (looked at after each 100, which are published together and ' +
    'awaited by Promise.all). Afterwards the listener handles all of them, which is checked, in order.',
  variants: [asleep, heap, handling],
  contestants: {
    [contestant]: async (variant, { quick }) => {
      const messages = quick ? 2000 : 1_000_000;
      const { growthAsleepMiB, heapGrowthMiB, growthHandlingMiB, handled, inOrder } = await sleepingListener(messages);
      if (handled !== messages || !inOrder)
        throw new Error(`${handled} of ${messages} were handled, in order: ${inOrder}`);
      if (variant === heap) return heapGrowthMiB;
      return variant === asleep ? growthAsleepMiB : growthHandlingMiB;
    },
  },
  goals: [{ contestant, variant: asleep, atMost: 64, note: 'issue' }],
  rounds: 2,
};

// `node --conditions=hexbus-source --expose-gc bench/scenarios/sleeping-listener.ts [messages]` prints the report.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const report = await sleepingListener(Number(process.argv[2] ?? 1_000_000));
  process.stdout.write(`${JSON.stringify(report)}\n`);
}
