import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { canRunPrograms, PrintingProgram } from './support/printing-program.ts';
import { readText, root } from './support/repository.ts';
import { promisedOutput, snippetsOf } from './support/snippets.ts';

/** The block of the README that begins with the name of its file. */
function shown(name: string): string {
  const found = snippetsOf('README.md', readText('README.md')).filter(({ code }) => code.startsWith(`// ${name}\n`));
  expect(found).toHaveLength(1);
  return found[0]?.code ?? '';
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test.runIf(canRunPrograms)(
  'the server and the client of the README talk to each other, and print what it says',
  async () => {
    mkdirSync(join(root, '.snippets'), { recursive: true });
    const folder = mkdtempSync(join(root, '.snippets', 'readme-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const port = String(await freePort());
    const start = (name: string): PrintingProgram => {
      const code = shown(name);
      expect(code.match(/\b3000\b/g)).toHaveLength(1);
      writeFileSync(join(folder, name), code.replace('3000', port));
      const program = new PrintingProgram(process.execPath, ['--conditions=hexbus-source', join(folder, name)]);
      onTestFinished(() => program.kill());
      return program;
    };

    const server = start('server.mjs');
    const client = await start('client.mjs').ended;
    expect(client).toMatchObject({ code: 0, stderr: '', stdout: `${promisedOutput(shown('client.mjs'))}\n` });
    const promised = `${promisedOutput(shown('server.mjs'))}\n`;
    await server.hasPrinted(promised);
    server.kill();
    expect(await server.ended).toMatchObject({ stderr: '', stdout: promised });
  },
);
