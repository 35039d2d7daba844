import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import type { StoredMessage } from '@hexbus/core';
import { createSeededRandomness } from '@hexbus/testkit';
import { afterAll, describe, expect, test } from 'vitest';
import { checkDurable, checkHeld, checkPublished, type Snapshot } from './crash/checks.ts';
import { Journal } from './crash/journal.ts';
import { boundedTopic, durableFilter, durableName, inboxTopic, jobTopic } from './crash/topics.ts';
import { createHistoryOf, drivers, open, temporaryDirectory, typescriptProgram } from './support.ts';

const deep = process.env['HEXBUS_DEEP'] === '1';
const kills = deep ? 300 : 20;
/** How long a run publishes at most before it is killed. */
const longestRunMs = 200;
const timeout = deep ? 1_200_000 : 120_000;
/** `HEXBUS_SEED=123` kills at the same moments again, as far as a computer can. */
const seed = Number(process.env['HEXBUS_SEED'] ?? randomInt(2 ** 31));

const directory = temporaryDirectory();
afterAll(directory.remove);
const empty: Snapshot = {
  epoch: '',
  head: 0,
  streams: [],
  bounded: [],
  jobs: [],
  deadJobs: [],
  inbox: [],
  cursor: 0,
};

describe.each(['commit', 'os'] as const)('killed while publishing, durability %s', (durability) => {
  test(`${kills} times, it has lost, repeated and reordered nothing (seed ${seed})`, { timeout }, async () => {
    const { fraction } = createSeededRandomness(seed);
    const file = directory.file(`${durability}.db`);
    const journalFile = directory.file(`${durability}.journal`);
    let before = empty;

    const check = async (number: number): Promise<void> => {
      const journal = new Journal(journalFile);
      checkIntegrity(file);
      const found = await takeSnapshot(file, durability);
      if (before.epoch !== '') expect(found.epoch).toBe(before.epoch);
      expect(found.head).toBeGreaterThanOrEqual(before.head);
      checkPublished(found, journal);
      checkDurable(found, before, journal, number);
      checkHeld(found, before, journal, number);
      before = found;
    };

    const run = (number: number, mode: 'publish' | 'finish'): ChildProcess => {
      const uncertain = JSON.stringify(new Journal(journalFile).uncertain());
      const args = [file, journalFile, durability, String(number), mode, uncertain];
      return spawn(process.execPath, [...typescriptProgram('./crash/publisher.ts'), ...args], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
    };

    for (let number = 1; number <= kills; number++) {
      const publisher = run(number, 'publish');
      const closed = once(publisher, 'close');
      // Some die while they open the file, the others while they publish.
      if (fraction() > 0.15) await Promise.race([once(publisher.stdout as NodeJS.EventEmitter, 'data'), closed]);
      const timer = setTimeout(() => publisher.kill('SIGKILL'), fraction() * longestRunMs);
      expect(await closed, `seed ${seed}, run ${number} ended by itself`).toEqual([null, 'SIGKILL']);
      clearTimeout(timer);
      await check(number);
    }

    expect(await once(run(kills + 1, 'finish'), 'close')).toEqual([0, null]);
    await check(kills + 1);
    expect(before.jobs).toEqual([]);
    expect(before.cursor).toBeGreaterThanOrEqual(before.streams.at(-1)?.position ?? 0);
    expect(before.streams.length, 'the runs published something').toBeGreaterThan(kills);
    expect(before.deadJobs.length).toBeGreaterThan(0);
  });
});

function checkIntegrity(file: string): void {
  const database = drivers[0].open(file);
  expect(database.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }]);
  database.close();
}

async function takeSnapshot(file: string, durability: 'commit' | 'os'): Promise<Snapshot> {
  const history = await open(createHistoryOf(file, { durability }), {
    retention: [
      { kind: 'limits', pattern: durableFilter, maxCount: Infinity, maxAgeMs: Infinity },
      { kind: 'limits', pattern: boundedTopic, maxCount: Infinity, maxAgeMs: Infinity },
      { kind: 'until-handled', pattern: jobTopic, maxCount: Infinity, maxAgeMs: Infinity, overflow: 'reject' },
      { kind: 'until-handled', pattern: inboxTopic, maxCount: Infinity, maxAgeMs: Infinity, overflow: 'reject' },
    ],
  });
  const { epoch, position: head } = history.head;
  const messages = async (topic: string, state: 'live' | 'dead' = 'live'): Promise<StoredMessage[]> => {
    const all: StoredMessage[] = [];
    for (let after = 0; after < head; ) {
      const page = await history.page([topic], { state, range: { after } });
      all.push(...page.messages);
      after = page.through;
    }
    return all;
  };
  const snapshot: Snapshot = {
    epoch,
    head,
    streams: await messages(durableFilter),
    bounded: await messages(boundedTopic),
    jobs: await messages(jobTopic),
    deadJobs: await messages(jobTopic, 'dead'),
    inbox: await messages(inboxTopic),
    cursor: (await history.store.loadCursor(durableName))?.position ?? 0,
  };
  await history.store.close();
  return snapshot;
}
