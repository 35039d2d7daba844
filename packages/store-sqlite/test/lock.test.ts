import { execFileSync } from 'node:child_process';
import { statSync, symlinkSync } from 'node:fs';
import { relative } from 'node:path';
import type { HexbusError } from '@hexbus/core';
import { createSqliteHistory, type SqliteDatabase } from '@hexbus/store-sqlite';
import { afterAll, describe, expect, test } from 'vitest';
import { Connection } from '../src/connection.ts';
import { Child, createHistoryOf, drivers, hasNodeSqlite, open, retention, temporaryDirectory } from './support.ts';

const directory = temporaryDirectory();
afterAll(directory.remove);

const inUse = { code: 'HEXBUS_HISTORY_IN_USE', retryable: false };

/** The connection, on which `act` is called before each statement. */
function beforeEachStatement(database: SqliteDatabase, act: () => void): SqliteDatabase {
  return {
    exec(sql) {
      act();
      return database.exec(sql);
    },
    prepare(sql) {
      act();
      return database.prepare(sql);
    },
    close: () => database.close(),
  };
}

/** Makes the history of a connection's file, within this call. */
function make(database: SqliteDatabase): Connection {
  const connection = Connection.open(database);
  connection.prepare({ retention, deduplication: { maxIds: 0, maxAgeMs: 0 } }, () => 'made');
  return connection;
}

function outcomeOf(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return (error as HexbusError).code;
  }
}

describe('one history at a time has a file', () => {
  for (const driver of drivers) {
    describe(`on ${driver.name}`, () => {
      const at = (file: string) => createSqliteHistory({ database: driver.open(file) });

      test('in this process, whatever the path looks like', async () => {
        const file = directory.file(`${driver.name.replace(':', '-')}.db`);
        const link = `${file}.link`;
        symlinkSync(file, link);
        const first = await open(at(file));
        for (const other of [file, link, relative(process.cwd(), file)]) {
          const error = await open(at(other)).catch((reason: unknown) => reason);
          expect(error).toMatchObject({ ...inUse, message: expect.stringContaining(file) });
        }
        await first.append('a', '1');
        expect(await first.ids('a')).toEqual(['1']);
        await first.store.close();
        const second = await open(at(link));
        expect(await second.ids('a')).toEqual(['1']);
        await second.store.close();
      });

      test('not even on the same connection', async () => {
        const database = driver.open(directory.file(`${driver.name.replace(':', '-')}-same.db`));
        const first = await open(createSqliteHistory({ database }));
        await expect(open(createSqliteHistory({ database }))).rejects.toMatchObject(inUse);
        await first.append('a', '1');
        await first.store.close();
        const again = await open(createSqliteHistory({ database }));
        expect(await again.ids('a')).toEqual(['1']);
      });

      test('also when the other one makes the file while this one looks at it', async () => {
        for (let step = 1, statements = 1; statements >= step; step++) {
          const file = directory.file(`${driver.name.replace(':', '-')}-made-${step}.db`);
          const other = driver.open(file);
          const outcomes: unknown[] = [];
          statements = 0;
          const looking = beforeEachStatement(driver.open(file), () => {
            if (++statements === step) outcomes.push(outcomeOf(() => make(other)));
          });
          outcomes.push(await open(createSqliteHistory({ database: looking })).catch(({ code }: HexbusError) => code));
          expect(outcomes.filter((outcome) => typeof outcome === 'object')).toHaveLength(1);
          for (const outcome of outcomes) {
            if (typeof outcome !== 'object') expect(outcome).toMatch(/^HEXBUS_HISTORY_(IN_USE|BUSY)$/);
          }
          other.close();
        }
      });

      test('in another process, until that one is killed', async () => {
        const file = directory.file(`${driver.name.replace(':', '-')}-killed.db`);
        const child = new Child('hold', file);
        expect(await child.line()).toBe('open');
        await expect(open(at(file))).rejects.toMatchObject(inUse);
        await expect(open(at(file))).rejects.toMatchObject(inUse);
        await child.kill();
        const mine = await open(at(file));
        await mine.append('a', '1');
        const late = new Child('hold', file);
        expect(await late.line()).toBe('HEXBUS_HISTORY_IN_USE');
        await late.finish();
        await mine.store.close();
      });
    });
  }

  test('and of processes that open at once exactly one gets it', async () => {
    const file = directory.file('race.db');
    const children = Array.from({ length: 4 }, () => new Child('hold', file));
    const answers = await Promise.all(children.map((child) => child.line()));
    expect(answers.filter((answer) => answer === 'open')).toHaveLength(1);
    for (const answer of answers) expect(['open', 'HEXBUS_HISTORY_IN_USE', 'HEXBUS_HISTORY_BUSY']).toContain(answer);
    await Promise.all(children.map((child) => child.finish()));
  });

  test('while other programs can read it', async () => {
    const file = directory.file('read.db');
    const history = await open(createHistoryOf(file));
    await history.append('a', '1', '2', '3');
    const script = `
      const { DatabaseSync } = require('${hasNodeSqlite ? 'node:sqlite' : '@photostructure/sqlite'}');
      const reader = new DatabaseSync(process.argv[1], { readOnly: true });
      console.log(reader.prepare('SELECT COUNT(*) AS count FROM messages').get().count);`;
    expect(execFileSync(process.execPath, ['--no-warnings', '-e', script, file], { encoding: 'utf8' })).toBe('3\n');
    await history.append('a', '4');
    await history.store.close();
    // Never written to, so nothing can damage it.
    expect(statSync(`${file}.lock`).size).toBe(0);
  });
});
