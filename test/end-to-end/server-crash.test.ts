import { expect, test } from 'vitest';
import { canRunPrograms } from './support/child.ts';
import { all, topics } from './support/flow.ts';
import { Follower } from './support/follower.ts';
import { clientOf } from './support/house.ts';
import { inbox, MortalServer } from './support/mortal-server.ts';
import { createDraw, seed } from './support/seed.ts';
import { vias } from './support/via.ts';

/** A busy machine takes its time. */
const timeout = 120_000;
const messages = 4_000;
const kills = 6;
const early = [topics[0], topics[1], all];
const late = [topics[2], topics[3], topics[4]];

test.runIf(canRunPrograms).each(vias)(
  `a server killed ${kills} times and started again on its file loses and repeats nothing for a client over %s (seed ${seed})`,
  { timeout },
  async (via) => {
    const server = new MortalServer();
    await server.open();
    const client = clientOf(via, server.port, { token: 'ann' });
    const follower = new Follower(client);
    const notes: number[] = [];
    client.on<number>('note', ({ body }) => {
      notes.push(body);
      follower.watch.changed();
    });
    for (const topic of early) follower.follow(topic, 'earliest');
    await client.open();
    const { session } = client;

    const between = (published: number): void => {
      if (published >= messages / 2 && follower.counts().size === early.length)
        for (const topic of late) follower.follow(topic, 'earliest');
    };
    await server.publish({ messages, kills, draw: createDraw(), between });

    const stored = await server.stored();
    const flow = stored.get(all) ?? [];
    expect(new Set(flow).size, `seed ${seed}`).toBeGreaterThanOrEqual(messages);
    expect(flow.length).toBe(new Set(flow).size);
    const posted = stored.get(inbox) ?? [];
    const logs = [...stored].filter(([topic]) => topic !== inbox);
    await follower.caughtUp(new Map(logs.map(([topic, log]) => [topic, log.at(-1) ?? -1])));
    await follower.watch.until(() => notes.at(-1) === posted.at(-1));
    for (const [topic, log] of logs) expect(follower.log(topic), `${topic}, seed ${seed}`).toEqual(log);
    expect(notes, `seed ${seed}`).toEqual(posted);
    expect(follower.signals).toEqual([]);
    expect(client.session).toBe(session);
  },
);
