import { expect, test } from 'vitest';
import type { ToPublish } from './programs/server.ts';
import { Child, canRunPrograms } from './support/child.ts';
import { all, topics } from './support/flow.ts';
import { Follower } from './support/follower.ts';
import { clientOf } from './support/house.ts';
import { createDraw, seed } from './support/seed.ts';
import { temporaryDirectory } from './support/temporary-directory.ts';
import { vias } from './support/via.ts';
import { nextTurn } from './support/watch.ts';

const messages = 4_000;
const kills = 6;
const early = [topics[0], topics[1], all];
const late = [topics[2], topics[3], topics[4]];

test.runIf(canRunPrograms).each(vias)(
  `a server killed ${kills} times and started again on its file loses and repeats nothing for a client over %s (seed ${seed})`,
  async (via) => {
    const file = temporaryDirectory()('bus.db');
    const draw = createDraw();
    let server = new Child('server', { file, port: 0 });
    const port = await server.call<number>('open');

    const client = clientOf(via, port, { token: 'ann' });
    const follower = new Follower(client);
    const notes: number[] = [];
    client.on<number>('note', ({ body }) => {
      notes.push(body);
      follower.watch.changed();
    });
    for (const topic of early) follower.follow(topic, 'earliest');
    await client.open();
    const { session } = client;

    let next = 0;
    let killed = 0;
    // Early enough that there are batches left for all of them.
    const moments = Array.from({ length: kills }, () => draw((messages * 3) / 4)).sort((one, other) => one - other);
    while (next < messages) {
      if (next >= messages / 2 && follower.counts().size === early.length)
        for (const topic of late) follower.follow(topic, 'earliest');
      const batch: ToPublish[] = [];
      for (let size = 1 + draw(80); size > 0; size--) {
        batch.push({ topic: topics[draw(topics.length)] ?? all, body: next });
        next += 1;
      }
      const note = [next];
      const tell = (): Promise<unknown> => Promise.all([server.call('publish', batch), server.call('post', note)]);
      if (killed < kills && next >= (moments[killed] ?? 0)) {
        // Whether it was published is not known, so it is told again to the next one.
        const told = tell().catch(() => undefined);
        for (let turns = draw(20); turns > 0; turns--) await nextTurn();
        server.kill('SIGKILL');
        await Promise.all([told, server.ended]);
        killed += 1;
        server = new Child('server', { file, port });
        await server.call('open');
      }
      await tell();
    }

    const stored = await server.call<[string, number][]>('read', all);
    expect(new Set(stored.map(([, body]) => body)).size, `seed ${seed}`).toBe(next);
    expect(stored.length).toBe(next);
    const logs = new Map<string, number[]>([[all, stored.map(([, body]) => body)]]);
    for (const topic of topics)
      logs.set(
        topic,
        stored.filter((one) => one[0] === topic).map(([, body]) => body),
      );
    await follower.caughtUp(new Map([...logs].map(([topic, log]) => [topic, log.at(-1) ?? -1])));
    await follower.watch.until(() => notes.at(-1) === next);
    for (const [topic, log] of logs) expect(follower.log(topic), `${topic}, seed ${seed}`).toEqual(log);
    const posted = await server.call<[string, number][]>('read', '@user.>');
    expect(notes, `seed ${seed}`).toEqual(posted.map(([, body]) => body));
    expect(follower.signals).toEqual([]);
    expect(client.session).toBe(session);
    expect(killed).toBe(kills);
  },
);
