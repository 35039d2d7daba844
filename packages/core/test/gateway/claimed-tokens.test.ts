import { encodeAcknowledge, encodeHello } from '@hexbus/core/wire';
import { describe, expect, it } from 'vitest';
import { useGateways, type World } from './support/use-gateways.ts';

const gateways = useGateways();

const topics = { '@user.>': { retain: { maxCount: 100 } } };

/** Ann has acknowledged message 1; then she comes back with a token that nobody gave her, and acknowledges it before anybody has asked the history. */
async function claimed(
  tokenOf: (cursor: string) => string,
): Promise<{ readonly world: World; readonly cursor: string }> {
  const world = await gateways.open({ topics });
  const client = await world.connect({}, 'ann');
  await world.gateway.post({ user: 'ann' }, 'Note', 1);
  await world.clock.runAll();
  client.lines();
  client.acknowledge();
  await world.clock.advance(1_000);
  const cursor = await world.gateway.cursorOf({ user: 'ann' });
  expect(cursor).toMatch(/\.1$/);
  client.link.reset();
  await world.clock.runAll();
  const { session, secret } = client.resume;
  const token = tokenOf(cursor as string);
  const link = world.transport.connect({ headers: { user: 'ann' } });
  link.send(encodeHello({ resume: { session, secret, token }, subscriptions: [], capabilities: [] }));
  link.send(encodeAcknowledge(token));
  await world.clock.advance(1_000);
  link.reset();
  await world.clock.runAll();
  return { world, cursor: cursor as string };
}

describe('a token that nobody gave', () => {
  it('of another epoch moves no cursor of a user', async () => {
    const { world, cursor } = await claimed(() => 'another.7');
    expect(await world.gateway.cursorOf({ user: 'ann' })).toBe(cursor);
  });

  it('beyond the head moves none either, so nothing that is posted later counts as handled', async () => {
    const { world } = await claimed((cursor) => cursor.replace(/1$/, '4'));
    for (const body of [2, 3, 4, 5]) await world.gateway.post({ user: 'ann' }, 'Note', body);
    const { lines } = await world.connect({}, 'ann');
    expect(lines()).toEqual(['@user.ann#2 Note 2', '@user.ann#3 Note 3', '@user.ann#4 Note 4', '@user.ann#5 Note 5']);
  });

  it('beyond the head for the inbox alone does not either', async () => {
    const { world, cursor } = await claimed((token) => `${token}~0:4`);
    expect(await world.gateway.cursorOf({ user: 'ann' })).toBe(cursor);
  });
});
