import { createMemoryHistory } from '@hexbus/store-memory';
import type { VirtualClock } from '@hexbus/testkit';
import { expect, it } from 'vitest';
import { knock } from './support/connect-client.ts';
import { useGateways, type World } from './support/use-gateways.ts';

const gateways = useGateways();

/** What one call of this history takes, in which nobody else has a turn: SQLite answers before the turn ends. */
const callMs = 2;
/** When 5 ms of a turn are over, nothing more begins in it. */
const longestMs = 3 * callMs;

interface CostlyWorld extends World {
  /** After everything. */
  readonly beginning: string;
  /** Calls of the history that cost time, until now. */
  calls(): number;
  /** Runs turns until it is done. Resolves with the longest one's time. */
  longestTurn(isDone: () => boolean): Promise<number>;
}

async function costlyWorld(): Promise<CostlyWorld> {
  const inner = createMemoryHistory();
  let clock: VirtualClock | undefined;
  let calls = 0;
  const spend = (): void => {
    clock?.jump(callMs);
    calls += 1;
  };
  const history: typeof inner = {
    name: inner.name,
    capabilities: inner.capabilities,
    open: (options) => inner.open(options),
    write: (batch) => inner.write(batch),
    read(query) {
      spend();
      return inner.read(query);
    },
    locate(query) {
      spend();
      return inner.locate(query);
    },
    loadCursor: (name) => inner.loadCursor(name),
    summarize: (topic) => inner.summarize(topic),
    close: () => inner.close(),
  };
  const topics = { 'order.>': { retain: { maxCount: 10_000 } } };
  const world = await gateways.open({ topics, bus: { history, turns: 'manual' } });
  // More than the bus keeps in memory.
  for (const n of upTo(3_000)) void world.bus.publish(`order.k${n % 200}`, n);
  await world.clock.runAll();
  // Nor does it read that on its own account, as it does for the first who asks for what is near the head.
  const { cursor } = world.bus;
  const position = Number(cursor?.split('.')[1]);
  const beginning = `${cursor?.split('.')[0]}.0`;
  world.bus.subscribe('order.>', () => undefined, { from: { after: beginning.replace(/0$/, String(position - 1)) } });
  await world.clock.runAll();
  calls = 0;
  clock = world.clock;
  return {
    ...world,
    beginning,
    calls: () => calls,
    async longestTurn(isDone) {
      let longest = 0;
      while (!isDone()) longest = Math.max(longest, await turnOf(world));
      return longest;
    },
  };
}

/** One turn, with all promises that settle in it. Resolves with its time. */
async function turnOf({ clock }: World): Promise<number> {
  const before = clock.now();
  clock.runTurn();
  await new Promise((resolve) => setImmediate(resolve));
  return clock.now() - before;
}

function upTo(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

it('lets others have their turn between the pages of one client that has much to catch up on', async () => {
  const world = await costlyWorld();
  const after = world.beginning;
  const link = knock(world.transport, { subs: upTo(100).map((n) => [n, `order.*.x${n}`, { after }]) });
  expect(await world.longestTurn(() => link.arrived.at(-1)?.startsWith('[14,') === true)).toBe(longestMs);
  expect(world.calls()).toBeGreaterThanOrEqual(100);
});

it('lets others have their turn between the starts that one client asks for, and answers in their order', async () => {
  const world = await costlyWorld();
  const link = knock(world.transport, { subs: upTo(100).map((n) => [n, `order.k${n}`, 'earliest']) });
  const answers = (): readonly string[] => link.arrived.filter((text) => text.startsWith('[8,'));
  expect(await world.longestTurn(() => answers().length === 100)).toBe(longestMs);
  expect(answers().map((text) => JSON.parse(text)[1])).toEqual(upTo(100));
});

it('lets others have their turn between the pages of many clients that come back at once', async () => {
  const world = await costlyWorld();
  const after = world.beginning;
  const links = upTo(100).map(() => knock(world.transport, { subs: [[1, 'order.>', { after }]] }));
  expect(await world.longestTurn(() => links.every(({ arrived }) => arrived.length > 3_000))).toBe(longestMs);
});

it('reads nothing more for clients that are gone before it is their turn', async () => {
  const world = await costlyWorld();
  const after = world.beginning;
  const links = upTo(100).map((n) =>
    knock(world.transport, { subs: [[1, 'order.>', n % 2 === 0 ? 'earliest' : { after }]] }),
  );
  await world.longestTurn(() => world.calls() > 0);
  const calls = world.calls();
  expect(calls).toBeLessThan(10);
  for (const link of links) link.reset();
  await world.clock.runAll();
  expect(world.calls()).toBe(calls);
});
