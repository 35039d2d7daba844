import { readFileSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { canRunPrograms, PrintingProgram } from '../../../test/support/printing-program.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

test.runIf(canRunPrograms)('npm run chat-room prints what its README says, and ends', async () => {
  const [, promised] = /```text\n([\s\S]*?)```/.exec(readme) ?? [];
  const program = new PrintingProgram('npm', ['run', '--silent', 'chat-room']);
  onTestFinished(() => program.kill());
  const { code, stdout, stderr } = await program.ended;
  expect(code, stderr).toBe(0);
  expect(stdout).toBe(promised);
});
