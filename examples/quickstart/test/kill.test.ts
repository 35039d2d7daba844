import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDraw, seed } from '../../../test/end-to-end/support/seed.ts';
import { lineOf } from '../publish.ts';
import { canRun, runQuickstart, startHeldQuickstart, storedLines, summaryOf, temporaryDirectory } from './program.ts';

const records = 100_000;
/** A durable subscription commits its cursor at least this often. */
const commitBatch = 64;

const directory = temporaryDirectory();
afterAll(directory.remove);
const input = directory.path('input.jsonl');
const inOrder = Array.from({ length: records }, (_, index) => index + 1);

beforeAll(() => {
  const types = ['order.created', 'order.paid', 'mail.sent', 'user seen'];
  const lines = inOrder.map(
    (n) => `${JSON.stringify({ type: types[n % types.length], n, text: 'x'.repeat(n % 97) })}\n`,
  );
  writeFileSync(input, lines.join(''));
});

/** What the listener handled, in its order. */
function handledLines(log: string): number[] {
  return readFileSync(log, 'utf8').trimEnd().split('\n').map(lineOf);
}

/** What it says when a tenth is done, and how many writes later it is held up at most, when much is left, until it is killed. */
const published = { behind: '  published ', writes: 20_000 };
const handled = { behind: '  handled ', writes: 2_000 };

describe.runIf(canRun)(`a quickstart that is killed (seed ${seed})`, { timeout: 120_000 }, () => {
  const draw = createDraw();

  test.each([
    { mode: [], kills: [published, handled] },
    { mode: ['--live'], kills: [published, published] },
  ])(
    'twice, $mode, publishes every record once and has it handled at least once, in order',
    async ({ mode, kills }) => {
      const name = `kill${mode.join('')}`;
      const database = directory.path(`${name}.db`);
      const log = directory.path(`${name}.log`);
      const args = ['--input', input, '--db', database, '--log', log, '--json', ...mode];

      for (const { behind, writes } of kills) {
        const program = startHeldQuickstart({ behind, writes: draw(writes) }, ...args);
        program.endInput();
        await program.wrote(new RegExp(behind));
        program.kill('SIGKILL');
        expect((await program.ended).signal).toBe('SIGKILL');
      }
      const ended = await runQuickstart(args);
      expect(ended.code, ended.stderr).toBe(0);
      const summary = summaryOf(ended);
      expect(summary).toMatchObject({ records, bad: 0, waiting: 0 });
      expect(summary.publishedBefore).toBeGreaterThanOrEqual(10_000);

      expect(await storedLines(database)).toEqual(inOrder);
      const lines = handledLines(log);
      expect([...new Set(lines)]).toEqual(inOrder);
      expect(lines.length - records).toBeLessThanOrEqual(kills.length * commitBatch);
    },
  );

  test('by Ctrl-C closes, and repeats nothing at the next start', async () => {
    const database = directory.path('interrupt.db');
    const log = directory.path('interrupt.log');
    const args = ['--input', input, '--db', database, '--log', log, '--json'];

    for (const { behind, writes } of [published, handled]) {
      const program = startHeldQuickstart({ behind, writes: draw(writes) }, ...args);
      program.endInput();
      await program.wrote(new RegExp(behind));
      program.kill('SIGINT');
      program.letGo();
      const ended = await program.ended;
      expect(ended.code, ended.stderr).toBe(130);
      expect(summaryOf(ended).interrupted).toBe(true);
      expect(existsSync(`${database}-wal`)).toBe(false);
    }
    const ended = await runQuickstart(args);
    expect(ended.code, ended.stderr).toBe(0);
    expect(summaryOf(ended)).toMatchObject({ records, waiting: 0, interrupted: false });
    expect(await storedLines(database)).toEqual(inOrder);
    expect(handledLines(log)).toEqual(inOrder);
  });
});
