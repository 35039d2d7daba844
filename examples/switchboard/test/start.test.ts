import { expect, onTestFinished, test } from 'vitest';
import { canRunPrograms } from '../../../test/support/printing-program.ts';
import { SwitchboardProgram, temporaryFolder } from './support/switchboard-program.ts';

test.runIf(canRunPrograms)('npm start prints one address, and Ctrl-C ends it', async () => {
  const data = temporaryFolder();
  onTestFinished(data.remove);
  const program = new SwitchboardProgram(['--port', '0', '--data', data.path], 'npm');
  onTestFinished(() => program.kill('SIGKILL'));
  const page = await fetch(await program.address());
  expect(await page.text()).toContain('<title>hexbus switchboard</title>');
  program.kill('SIGINT');
  const { stdout, stderr } = await program.ended;
  expect(stdout).toMatch(/^Switchboard: http:\/\/127\.0\.0\.1:\d+\/\n$/);
  expect(stderr).toBe('');
});
