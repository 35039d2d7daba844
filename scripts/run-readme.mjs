// Runs the server and the client that the README shows, in the current folder, and compares what they print with what it says.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** Only to end what hangs. */
const timeoutMs = 60_000;
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

/** What the README says that one changes on each side. */
const overSse = {
  'server.mjs': [
    [
      "import { createWsTransport } from '@hexbus/adapter-ws';",
      "import { createSseTransport } from '@hexbus/adapter-sse';",
    ],
    ['createWsTransport({ port: 3000 })', 'createSseTransport({ port: 3000 })'],
  ],
  'client.mjs': [["token: 'secret of ann' }", "token: 'secret of ann', transport: 'sse' }"]],
};

/** The lines of its block with both transports. */
const overBoth = {
  'server.mjs': [
    ["import { createWsTransport } from '@hexbus/adapter-ws';", linesOfBoth(/^import .*(?:http|adapter-).*$/gm)],
    ['const gateway', `${linesOfBoth(/^const server.*$/gm)}\nconst gateway`],
    ['  transports: [createWsTransport({ port: 3000 })],', linesOfBoth(/^ {2}transports: .*$/gm)],
    ['await gateway.open();', linesOfBoth(/^(?:await gateway.open|server.listen).*$/gm)],
  ],
  'client.mjs': [["token: 'secret of ann' }", "token: 'secret of ann', transport: 'auto' }"]],
};

for (const [over, changes] of Object.entries({ WebSocket: {}, SSE: overSse, both: overBoth })) {
  const port = await freePort();
  const server = start('server.mjs', port, changes);
  const programs = [server];
  const timer = setTimeout(() => {
    for (const { child } of programs) child.kill('SIGKILL');
  }, timeoutMs);
  // A client that finds nobody waits longer and longer before it comes back.
  while (!hasEnded(server.child) && !(await answers(port))) await pause(20);
  const client = start('client.mjs', port, changes);
  programs.push(client);
  if (hasEnded(server.child)) client.child.kill('SIGKILL');
  await client.ended;
  await Promise.race([server.printedAll, server.ended]);
  server.child.kill('SIGKILL');
  await server.ended;
  clearTimeout(timer);

  for (const { name, promised, printed } of [server, client]) {
    if (printed.text === promised) continue;
    console.error(
      `the README says that ${name} prints\n${promised}but over ${over}, within ${timeoutMs} ms, it printed\n${printed.text}`,
    );
    process.exitCode = 1;
  }
  if (process.exitCode === undefined)
    console.log(`  the server and the client of the README talk to each other over ${over}`);
}

/**
 * @param {RegExp} which
 */
function linesOfBoth(which) {
  const [, block = ''] = /```ts no-run\n(import [^`]*adapter-sse[^`]*)```/.exec(readme) ?? [];
  const lines = block.match(which);
  if (lines === null) throw new Error(`the README shows no server with both transports (${which})`);
  return lines.join('\n');
}

/**
 * @param {'server.mjs' | 'client.mjs'} name
 * @param {string} port
 * @param {Partial<Record<string, string[][]>>} changes
 */
function start(name, port, changes) {
  const block = new RegExp(`\`\`\`ts no-run\n(// ${name}\n[^]*?)\n// prints:\n([^]*?)\`\`\``);
  const [, code = '', lines = ''] = block.exec(readme) ?? [];
  if (code.split('3000').length !== 2) throw new Error(`the README shows no ${name} with one port 3000`);
  const promised = lines.replace(/^\/\/ /gm, '');
  let program = code;
  for (const [from = '', to = ''] of changes[name] ?? []) {
    if (!program.includes(from)) throw new Error(`the README's ${name} has no ${from}`);
    program = program.replace(from, to);
  }
  writeFileSync(name, program.replace('3000', port));
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

/**
 * @param {import('node:child_process').ChildProcess} child
 */
function hasEnded({ exitCode, signalCode }) {
  return exitCode !== null || signalCode !== null;
}

/** One that the system gives to nobody who asks for any, before the server has it. */
async function freePort() {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const probe = createServer().listen(port);
    const isFree = await once(probe, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    await new Promise((resolve) => probe.close(resolve));
    return String(port);
  }
}

/**
 * @param {string} port
 * @returns {Promise<boolean>}
 */
function answers(port) {
  return new Promise((resolve) => {
    const socket = connect(Number(port), '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
