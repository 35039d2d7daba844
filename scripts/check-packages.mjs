// Checks the packages as their users get them: metadata, types, and the packed files installed and loaded on every supported Node.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const nodeVersions = ['20', '22', '24', '26'];

/** @type {string[]} */
const folders = readJson(join(root, 'package.json')).workspaces;
const packages = folders.map((folder) => ({ folder, manifest: readJson(join(root, folder, 'package.json')) }));
const entries = packages.flatMap(({ manifest }) =>
  Object.keys(manifest.exports)
    .filter((entry) => entry !== './package.json')
    .map((entry) => manifest.name + entry.slice(1)),
);

/** @type {{ what: string, passed: boolean }[]} */
const results = [];

const unbuilt = folders.filter((folder) => !existsSync(join(root, folder, 'dist')));
if (unbuilt.length > 0) {
  console.error(`not built: ${unbuilt.join(', ')}; run "npm run build" first`);
  process.exit(1);
}

const consumer = mkdtempSync(join(tmpdir(), 'hexbus-check-'));
try {
  for (const { folder, manifest } of packages) {
    check(`${manifest.name}: publint and attw`, 'npm', ['run', '--silent', 'check'], join(root, folder));
  }
  if (install()) {
    checkTypes();
    for (const version of nodeVersions) checkNode(version);
  }
} finally {
  rmSync(consumer, { recursive: true, force: true });
}

const failed = results.filter(({ passed }) => !passed);
console.log('');
for (const { what, passed } of results) console.log(`${passed ? 'passed' : 'FAILED'}  ${what}`);
console.log(`package checks: ${results.length - failed.length} passed, ${failed.length} failed`);
process.exitCode = failed.length === 0 ? 0 : 1;

function install() {
  const workspaces = folders.flatMap((folder) => ['-w', folder]);
  const packed = check(
    'pack',
    'npm',
    ['pack', '--loglevel=error', '--pack-destination', consumer, ...workspaces],
    root,
  );
  if (!packed) return false;
  writeFileSync(join(consumer, 'package.json'), JSON.stringify({ name: 'consumer', private: true }));
  const tarballs = readdirSync(consumer).filter((name) => name.endsWith('.tgz'));
  const args = ['install', '--no-audit', '--no-fund', '--loglevel=error', ...tarballs.map((name) => `./${name}`)];
  return check('install the packed files in an empty folder', 'npm', args, consumer);
}

function checkTypes() {
  const imports = entries.map((entry, index) => `import * as entry${index} from '${entry}';`);
  const uses = entries.map((_, index) => `void entry${index};`);
  writeFileSync(join(consumer, 'types.mts'), [...imports, ...uses].join('\n'));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules/@types')];
  const strict = [
    '--noEmit',
    '--strict',
    '--skipLibCheck',
    'false',
    '--target',
    'es2022',
    '--lib',
    'es2023,dom,esnext.disposable',
  ];
  const args = [tsc, ...strict, '--module', 'nodenext', ...types, 'types.mts'];
  check('the published types compile at the user', process.execPath, args, consumer);
}

/** @param {string} version */
function checkNode(version) {
  const sanity = readFileSync(join(root, 'scripts/sanity-call.mjs'), 'utf8');
  writeFileSync(join(consumer, 'sanity-call.mjs'), sanity);
  writeFileSync(
    join(consumer, 'load.cjs'),
    `const entries = ${JSON.stringify(entries)};
     const required = Object.fromEntries(entries.map((entry) => [entry, require(entry)]));
     const load = async () => {
       const { sanityCall } = await import('./sanity-call.mjs');
       const imported = {};
       for (const entry of entries) imported[entry] = await import(entry);
       for (const entry of entries) {
         for (const name of Object.keys(imported[entry])) {
           if (required[entry][name] !== imported[entry][name]) throw new Error(entry + ' was loaded twice: ' + name);
         }
       }
       console.log('  Node ' + process.versions.node + ', import:  ' + (await sanityCall(imported)));
       console.log('  Node ' + process.versions.node + ', require: ' + (await sanityCall(required)));
     };
     load().catch((error) => { console.error(error); process.exitCode = 1; });`,
  );
  const args = ['-y', '-p', `node@${version}`, '-c', 'node load.cjs'];
  check(`import and require every entry on Node ${version}`, 'npx', args, consumer);
  // Node 20 has a WebSocket for clients only when asked.
  const flags = version === '20' ? '--experimental-websocket ' : '';
  const command = `node ${flags}"${join(root, 'scripts/run-readme.mjs')}"`;
  check(
    `the programs of the README on Node ${version}`,
    'npx',
    ['-y', '-p', `node@${version}`, '-c', command],
    consumer,
  );
}

/**
 * @param {string} what
 * @param {string} command
 * @param {string[]} args
 * @param {string} cwd
 */
function check(what, command, args, cwd) {
  console.log(`\n${what}`);
  // npm and npx are shell scripts on Windows.
  const { status } = spawnSync(command, args, { cwd, stdio: 'inherit', shell: process.platform === 'win32' });
  results.push({ what, passed: status === 0 });
  return status === 0;
}

/** @param {string} path */
function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}
