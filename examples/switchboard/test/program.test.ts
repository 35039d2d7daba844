import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { canRunPrograms } from '../../../test/support/printing-program.ts';
import { readArguments } from '../arguments.ts';
import { SwitchboardProgram, temporaryFolder } from './support/switchboard-program.ts';

describe.runIf(canRunPrograms)('the program of the switchboard', () => {
  const folder = temporaryFolder();
  afterAll(folder.remove);

  test('--help names every option', async () => {
    const { code, stdout } = await new SwitchboardProgram(['--help']).ended;
    expect(code).toBe(0);
    for (const option of ['--port', '--data', '--help']) expect(stdout).toContain(option);
  });

  test.each([
    [['--port', 'eighty'], '--port is "eighty"; use a number from 0 to 65535'],
    [['--port', '65536'], '--port is "65536"'],
    [['--data', ''], '--data is empty'],
    [['--colour'], '--colour'],
  ])('says what is wrong with %j', (args, message) => {
    expect(() => readArguments(args)).toThrow(message);
  });

  test('ends with exit code 2 and no stack when its arguments are wrong', async () => {
    const { code, stderr } = await new SwitchboardProgram(['--port', 'eighty']).ended;
    expect(code).toBe(2);
    expect(stderr).toMatch(/^--port is "eighty"/);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test('refuses a folder that is in use, and a port that is taken', async () => {
    const first = new SwitchboardProgram(['--port', '0', '--data', folder.path]);
    onTestFinished(() => first.kill('SIGKILL'));
    const { port } = new URL(await first.address());

    const sameFolder = await new SwitchboardProgram(['--port', '0', '--data', folder.path]).ended;
    expect(sameFolder).toMatchObject({ code: 1, stdout: '' });
    expect(sameFolder.stderr).toContain('another bus has it open');

    const other = temporaryFolder();
    onTestFinished(other.remove);
    const samePort = await new SwitchboardProgram(['--port', port, '--data', other.path]).ended;
    expect(samePort).toMatchObject({ code: 1, stdout: '' });
    expect(samePort.stderr).toContain(`port ${port} is in use`);

    first.kill('SIGINT');
    expect(await first.ended).toMatchObject({ code: 0, stderr: '' });
  });
});
