import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { shippedInput } from '../arguments.ts';
import {
  canRun,
  Program,
  runQuickstart,
  startQuickstart,
  storedLines,
  summaryOf,
  temporaryDirectory,
} from './program.ts';

const shippedLines = readFileSync(shippedInput, 'utf8').trimEnd().split('\n').length;
const threeGoodOneBad = '{"type":"order.created","n":1}\n{"n":2}\n{"type":"order.created",\n{"type":"a b","n":4}\n';

const directory = temporaryDirectory();
afterAll(directory.remove);
let tests = 0;
let database: string;
beforeEach(() => {
  tests += 1;
  database = directory.path(`${tests}.db`);
});

describe.runIf(canRun)('quickstart', () => {
  test('npm run quickstart runs to its end on the shipped input, and goes on there at the next start', async () => {
    const npmRun = async (): Promise<string> => {
      const program = new Program('npm', ['run', '--silent', 'quickstart', '--', '--db', database]);
      program.endInput();
      const { code, stdout, stderr } = await program.ended;
      expect(code, stderr).toBe(0);
      return stdout;
    };
    expect(shippedLines).toBeGreaterThanOrEqual(500);
    const count = shippedLines.toLocaleString('en');

    const first = await npmRun();
    const story = [
      'with no listener loaded',
      `${count} published`,
      'What waits',
      'record.summer-time.introduced',
      'Load the listener',
      ' 1  record.standard-time.changed',
      ' 2  record.standard-time.changed',
      'Read the history',
      `${shippedLines}  record.`,
      `handled    ${count}`,
      'waiting    0',
    ];
    const places = story.map((text) => first.indexOf(text));
    expect(places, first).not.toContain(-1);
    expect(places).toEqual([...places].sort((a, b) => a - b));

    const second = await npmRun();
    expect(second).toContain(`Up to line ${count} all was published at earlier starts`);
    expect(second).toContain(
      `It went on behind line ${count} of time-zones.jsonl, where it had stopped. Nothing waited there.`,
    );
    // What the first start left for the second waited in the file while no program ran.
    expect(second).toMatch(/note of .*: the run that began at \d{4}-\d\d-\d\dT[\d:]{8}Z came to its end/);
  });

  test('says of which input the line is at which it goes on, and counts one record as one', async () => {
    const [first, second] = [directory.path('first.jsonl'), directory.path('second.jsonl')];
    writeFileSync(first, '{"n":1}\n{"n":2}\n{"n":3}\n');
    writeFileSync(second, '{"n":4}\n');
    await runQuickstart(['--db', database, '--input', first]);
    const { stdout } = await runQuickstart(['--db', database, '--input', second]);
    expect(stdout).toContain('It went on behind line 3 of first.jsonl, where it had stopped.');
    expect(stdout).toContain('second.jsonl: 1 record published');
    expect(stdout).toContain('input      1 record, 0 bad lines');
  });

  test('a durable subscription goes on where it stopped', async () => {
    const first = await runQuickstart(['--db', database, '--json', '--stop-after', '500']);
    expect(summaryOf(first)).toMatchObject({ handled: 500, waiting: shippedLines - 500, resumedBehind: null });
    const second = await runQuickstart(['--db', database, '--json']);
    expect(summaryOf(second)).toMatchObject({ published: 0, handled: shippedLines - 500, waiting: 0 });
    expect(summaryOf(second).resumedBehind).toMatch(/:500$/);
    expect(second.stderr).toMatch(/\n +501 {2}record\./);
  });

  test.each([
    [[], 0],
    [['--strict'], 1],
  ] as const)('names a bad line and publishes the rest: %j', async (args, code) => {
    const ended = await runQuickstart(['--db', database, '--json', ...args], threeGoodOneBad);
    expect(ended.code).toBe(code);
    expect(ended.stderr).toContain('standard input:3: not JSON');
    expect(summaryOf(ended)).toMatchObject({ records: 3, bad: 1, published: 3, handled: 3, waiting: 0 });
    expect(ended.stderr).toContain('  record.untyped');
    expect(ended.stderr).toContain('  record.a%20b');
    expect(await storedLines(database)).toEqual([1, 2, 4]);
  });

  test('names every kind of bad line, and takes odd good ones', async () => {
    const input = directory.path('odd.jsonl');
    const good = ['\ufeff{"type":"bom"}\r', '5', '{"type":"@user"}', '{"type":"a..>"}', '{"type":"\\ud800"}', 'null'];
    const bad = [
      '{"type":',
      `{"type":"${'x'.repeat(600)}"}`,
      `{"type":"deep","x":${'['.repeat(70)}${']'.repeat(70)}}`,
      `{"type":"long","x":"${'x'.repeat(300_000)}"}`,
    ];
    writeFileSync(input, Buffer.concat([Buffer.from([...good, '', ...bad, ''].join('\n')), Buffer.from([0xff, 0x0a])]));
    const ended = await runQuickstart(['--db', database, '--json', '--input', input]);
    expect(ended.code).toBe(0);
    const counts = { records: good.length, bad: bad.length + 1 };
    expect(summaryOf(ended)).toMatchObject({ ...counts, handled: good.length });
    for (const line of [8, 9, 10, 11, 12]) expect(ended.stderr).toContain(`odd.jsonl:${line}: `);
    const again = await runQuickstart(['--db', database, '--json', '--input', input, '--strict']);
    expect([again.code, summaryOf(again)]).toMatchObject([1, { ...counts, published: 0 }]);
  });

  test('ends at Ctrl-C while it waits for a pipe into which nothing comes', async () => {
    const program = startQuickstart('--db', database, '--json');
    await program.wrote(/Waiting for standard input/);
    program.kill('SIGINT');
    const ended = await program.ended;
    expect([ended.code, summaryOf(ended)]).toMatchObject([130, { published: 0, interrupted: true }]);
  });

  test('handles what comes in live, while the pipe stays open, and ends at Ctrl-C', async () => {
    const program = startQuickstart('--db', database, '--json', '--live');
    program.send('{"type":"first"}\n');
    await program.wrote(/1 {2}record\.first/);
    program.send('{"type":"second"}\n');
    await program.wrote(/2 {2}record\.second/);
    program.kill('SIGINT');
    const ended = await program.ended;
    expect(ended.code).toBe(130);
    expect(summaryOf(ended)).toMatchObject({ published: 2, handled: 2, interrupted: true });
    expect(existsSync(`${database}-wal`)).toBe(false);
  });

  test('publishes only with --no-listen; the next start hands it on', async () => {
    const first = await runQuickstart(['--db', database, '--json', '--no-listen']);
    expect(summaryOf(first)).toMatchObject({ published: shippedLines, handled: 0, waiting: null });
    const second = await runQuickstart(['--db', database, '--json', '--input', '-']);
    expect(summaryOf(second)).toMatchObject({ published: 0, handled: shippedLines });
  });

  test('begins again with --reset, and deletes no file of another program', async () => {
    await runQuickstart(['--db', database, '--json', '--no-listen']);
    const again = await runQuickstart(['--db', database, '--json', '--reset']);
    expect(summaryOf(again)).toMatchObject({ published: shippedLines, handled: shippedLines, resumedBehind: null });

    const other = directory.path('letter.txt');
    writeFileSync(other, 'Dear history,\n');
    const refused = await runQuickstart(['--db', other, '--reset']);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/^quickstart: .*letter\.txt/m);
    expect(readFileSync(other, 'utf8')).toBe('Dear history,\n');
  });

  test('refuses a history that is in use', async () => {
    const program = startQuickstart('--db', database, '--live');
    program.send('{"type":"first"}\n');
    await program.wrote(/1 {2}record\.first/);
    const refused = await runQuickstart(['--db', database]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('another bus has it open');
    program.endInput();
    expect((await program.ended).code).toBe(0);
  });

  test.each([
    [['--input', 'no-such-file'], 1, 'no-such-file'],
    [['--input', '.'], 1, 'is a directory'],
    [['--colour'], 2, '--colour'],
    [['--show', 'many'], 2, '--show is "many"; use a whole number from 0'],
    [['--no-listen', '--live'], 2, '--no-listen loads no listener'],
  ])('says what is wrong with %j', async (args, code, message) => {
    const ended = await runQuickstart(['--db', database, ...args]);
    expect(ended.code).toBe(code);
    expect(ended.stderr).toContain(message);
    expect(ended.stderr).not.toMatch(/^\s+at /m);
  });

  test('--help names every option', async () => {
    const { code, stdout } = await runQuickstart(['--help']);
    expect(code).toBe(0);
    for (const [, option] of readFileSync(new URL('../arguments.ts', import.meta.url), 'utf8').matchAll(
      /^ {8}'?([\w-]+)'?: \{ type/gm,
    )) {
      expect(stdout).toContain(`--${option}`);
    }
  });
});
