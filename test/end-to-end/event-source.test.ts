import { createSeededRandomness } from '@hexbus/testkit';
import { createChaosProxy } from '@hexbus/testkit/chaos';
import { expect, onTestFinished, test } from 'vitest';
import { BareStream } from './support/bare-stream.ts';
import { canRunPrograms } from './support/child.ts';
import { all, Flow } from './support/flow.ts';
import { openHouse } from './support/house.ts';
import { inbox, MortalServer } from './support/mortal-server.ts';
import { createDraw, seed } from './support/seed.ts';
import { nextTurn } from './support/watch.ts';

const query = `topic=${encodeURIComponent(all)}&from=earliest`;
const kills = 4;
/** A busy machine takes its time. */
const timeout = 120_000;

test.runIf(canRunPrograms).each([
  ['with nothing but its address', 'none'],
  ['with a ticket', 'ticket'],
] as const)(
  `an EventSource %s loses and repeats nothing when its server is killed ${kills} times and started again on its file (seed ${seed})`,
  { timeout },
  async (_, credential) => {
    const server = new MortalServer({ credential });
    const hasTicket = credential === 'ticket';
    await server.open();
    const ticket = hasTicket ? `&ticket=${await server.call<string>('ticket', 'ann')}` : '';
    const stream = new BareStream(server.port, query + ticket);
    const open = (): Promise<void> => stream.watch.until(() => stream.source.readyState === stream.source.OPEN);
    await server.publish({ messages: 1_500, kills, draw: createDraw(), between: open });

    const stored = await server.stored();
    const flow = stored.get(all) ?? [];
    const posted = hasTicket ? (stored.get(inbox) ?? []) : [];
    await stream.watch.until(() => stream.flow.at(-1) === flow.at(-1) && stream.log(inbox).at(-1) === posted.at(-1));
    expect(stream.flow, `seed ${seed}`).toEqual(flow);
    expect(stream.log(inbox), `seed ${seed}`).toEqual(posted);
    expect(stream.signals).toEqual([]);
    expect(stream.openings).toBeGreaterThan(kills);

    // The ticket is bound to that stream: for whoever else has it, it is used.
    const other = new BareStream(server.port, query + ticket);
    await other.watch.until(() => other.openings > 0 || other.refused !== undefined);
    expect(other.refused).toBe(hasTicket ? 401 : undefined);
  },
);

test(`an EventSource that is cut 30 times loses and repeats nothing (seed ${seed})`, { timeout }, async () => {
  const house = await openHouse({ gateway: { timings: { pingMs: 50 } } });
  const proxy = await createChaosProxy({
    target: { port: house.port },
    randomness: createSeededRandomness(seed),
    mode: 'wild',
    maxBytesBetweenFaults: 65_536,
    maxMsBetweenFaults: 500,
    faults: ['reset', 'end', 'half-close', 'delay'],
  });
  onTestFinished(() => proxy.close());
  const flow = new Flow(house.bus);
  const draw = createDraw();
  const stream = new BareStream(proxy.port, query);
  let cuts = 0;
  const published = async (): Promise<void> => {
    if (draw(100) > 0) return;
    await stream.watch.until(() => stream.source.readyState === stream.source.OPEN);
    for (let turns = draw(8); turns > 0; turns--) await nextTurn();
    if (proxy.cut(draw(2) === 0 ? 'reset' : 'end') > 0) cuts += 1;
  };
  while (cuts < 30) await flow.publish(1_000, draw, published);
  proxy.setMode('calm');
  const last = await flow.mark();
  await stream.watch.until(() => stream.flow.at(-1) === last.get(all));
  expect(stream.flow, `seed ${seed}`).toEqual(flow.logs.get(all));
  expect(stream.signals).toEqual([]);
});
