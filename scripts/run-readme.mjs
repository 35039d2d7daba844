// Runs the server and the client that the README shows, in the current folder, and compares what they print with what it says.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';

const timeoutMs = 20_000;
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const port = await freePort();

const server = start('server.mjs');
const client = start('client.mjs');
const timer = setTimeout(() => {
  for (const { child } of [server, client]) child.kill('SIGKILL');
}, timeoutMs);
await client.ended;
await Promise.race([server.printedAll, server.ended]);
server.child.kill('SIGKILL');
await server.ended;
clearTimeout(timer);

for (const { name, promised, printed } of [server, client]) {
  if (printed.text === promised) continue;
  console.error(
    `the README says that ${name} prints\n${promised}but within ${timeoutMs} ms it printed\n${printed.text}`,
  );
  process.exitCode = 1;
}
if (process.exitCode === undefined) console.log('  the server and the client of the README talk to each other');

/** @param {string} name */
function start(name) {
  const block = new RegExp(`\`\`\`ts no-run\n(// ${name}\n[^]*?)\n// prints:\n([^]*?)\`\`\``);
  const [, code = '', lines = ''] = block.exec(readme) ?? [];
  if (code.split('3000').length !== 2) throw new Error(`the README shows no ${name} with one port 3000`);
  const promised = lines.replace(/^\/\/ /gm, '');
  writeFileSync(name, code.replace('3000', port));
  const child = spawn(process.execPath, [...process.execArgv, name], { stdio: ['ignore', 'pipe', 'inherit'] });
  const printed = { text: '' };
  const printedAll = new Promise((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (text) => {
      printed.text += text;
      if (printed.text === promised) resolve(undefined);
    });
  });
  return { name, child, promised, printed, printedAll, ended: once(child, 'close') };
}

async function freePort() {
  const probe = createServer().listen(0);
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  return String(typeof address === 'object' && address?.port);
}
