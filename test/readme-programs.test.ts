import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { canRunPrograms, PrintingProgram } from './support/printing-program.ts';
import { root } from './support/repository.ts';

test.runIf(canRunPrograms)('the server and the client of the README print what it says', async () => {
  mkdirSync(join(root, '.snippets'), { recursive: true });
  const folder = mkdtempSync(join(root, '.snippets', 'readme-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const script = join(root, 'scripts/run-readme.mjs');
  const program = new PrintingProgram(process.execPath, ['--conditions=hexbus-source', script], folder);
  onTestFinished(() => program.kill());
  expect(await program.ended).toMatchObject({ code: 0, stderr: '' });
});
