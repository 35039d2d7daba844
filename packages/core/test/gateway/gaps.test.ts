import { expect, it } from 'vitest';
import type { ClientHello, TestClient } from './support/connect-client.ts';
import { useGateways, type World } from './support/use-gateways.ts';

const gateways = useGateways();

const topics = {
  'log.>': { retain: { maxCount: 3 } },
  'other.>': { retain: { maxCount: 10_000 } },
} as const;

function open(): Promise<World> {
  return gateways.open({ topics, limits: { maxOutboxBytes: 1_000 } });
}

/** One message more than is kept, of so many topics, and so many others that the bus has forgotten it too. */
async function lose({ bus, clock }: World, count: number): Promise<void> {
  for (let round = 1; round <= 4; round++) for (let n = 0; n < count; n++) void bus.publish(`log.k${n}`, round);
  for (let n = 0; n < 3_000; n++) void bus.publish('other.a', n);
  await clock.runAll();
}

/** The gaps of a client that begins before everything. */
async function gapsOfLate(world: World, subs: readonly string[]): Promise<readonly string[]> {
  const after = `${world.bus.cursor?.split('.')[0]}.0`;
  const client = await world.connect();
  for (const [index, topic] of subs.entries()) client.subscribe(index + 1, topic, { after });
  return gapsOf(world, client);
}

/** The gaps of a client that takes nothing until so many topics have lost something. */
async function gapsOfSlow(world: World, subs: NonNullable<ClientHello['subs']>, count: number) {
  const client = await world.connect({ subs });
  client.link.pause();
  await world.publish('log.k0', 'x'.repeat(2_000));
  await lose(world, count);
  client.link.resume();
  return gapsOf(world, client);
}

async function gapsOf(world: World, client: TestClient): Promise<readonly string[]> {
  await world.clock.runAll();
  return client.lines().filter((line) => line.startsWith('GAP'));
}

function named(count: number): readonly string[] {
  return Array.from({ length: count }, (_, n) => `log.k${n}`);
}

it('names the topics that have lost something, where they are few', async () => {
  const world = await open();
  await lose(world, 16);
  expect(await gapsOfLate(world, ['log.*'])).toEqual([`GAP trimmed [1] ${named(16)} 1-16`]);
});

it('names the pattern of the subscription instead of many topics, however many they are', async () => {
  const world = await open();
  await lose(world, 2_000);
  expect(await gapsOfLate(world, ['log.*', 'other.*'])).toEqual(['GAP trimmed [1] log.* 1-2000']);
});

it('names the patterns of all whom it concerns, and of nobody else', async () => {
  const subs = ['log.*', 'other.*', '*.k7'].map((topic, index) => [index + 1, topic] as const);
  const [gap, ...others] = await gapsOfSlow(await open(), subs, 500);
  expect(gap).toMatch(/^GAP trimmed \[1,3\] log\.\*,\*\.k7 \d+-\d+$/);
  expect(others).toEqual([]);
});

it('names the topics where there are as many patterns', async () => {
  const subs = named(20).map((topic, index) => [index + 1, topic] as const);
  const [gap, ...others] = await gapsOfSlow(await open(), [...subs, [21, '*.k3'], [22, '*.k4']], 500);
  expect(gap?.split(' ')[3]?.split(',').toSorted()).toEqual(named(20).toSorted());
  expect(others).toEqual([]);
});
