import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { columnsOf, type Figures, runRounds, type Scenario } from './harness.ts';
import { type Conditions, measuredFor, merged, sectionOf } from './report.ts';
import { scenarios } from './scenarios/all.ts';

const usage = `npm run bench -- [name ...] [--rounds count] [--quick] [--json]
  name      these scenarios or groups: ${[...new Set(scenarios.flatMap(({ group = [], name }) => [group, name].flat()))].join(', ')}
  --rounds  how often each figure is measured
  --quick   runs everything once, in this process, to see that it runs; writes no results
  --json    prints the figures as JSON in place of tables`;

const resultsFile = new URL('./RESULTS.md', import.meta.url);
const peers = [
  'eventemitter3',
  'nanoevents',
  'mitt',
  'emittery',
  'eventemitter2',
  'better-sqlite3',
  'ws',
  'socket.io',
  'socketcluster-server',
  'better-sse',
  '@fastify/sse',
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string' },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) print(usage);
else await run(chosen(positionals));

async function run(selected: readonly Scenario[]): Promise<void> {
  const all: Record<string, unknown> = {};
  for (const scenario of selected) {
    const rounds = values.quick ? 1 : Number(values.rounds ?? scenario.rounds ?? 5);
    if (!Number.isSafeInteger(rounds) || rounds < 1) throw new Error(`--rounds ${values.rounds}: use a whole number`);
    const loadBefore = load();
    const figures = await runRounds(scenario, rounds, { quick: values.quick }, (line) =>
      process.stderr.write(`${line}\n`),
    );
    const conditions = {
      ...machine(),
      date: new Date().toISOString().slice(0, 16),
      rounds,
      loadBefore,
      loadAfter: load(),
    };
    const section = sectionOf(scenario, figures, conditions, !values.quick);
    all[scenario.name] = asObject(scenario, figures);
    if (!values.json) print(`${section}\n`);
    if (!values.quick) keep(scenario.title, section);
  }
  if (values.json) print(JSON.stringify(all));
}

/** Each at once: what one scenario measured is not lost when another one fails. */
function keep(title: string, section: string): void {
  const former = existsSync(resultsFile) ? readFileSync(resultsFile, 'utf8') : '';
  const titles = scenarios.map((scenario) => scenario.title);
  writeFileSync(resultsFile, merged(former, title, section, titles));
}

function chosen(names: readonly string[]): readonly Scenario[] {
  if (names.length === 0) return scenarios;
  return names.flatMap((wanted) => {
    const found = scenarios.filter(({ name, group }) => name === wanted || group === wanted);
    if (found.length === 0) throw new Error(`there is no scenario ${wanted}\n${usage}`);
    return found;
  });
}

function asObject(scenario: Scenario, figures: Figures): unknown {
  const contestants = Object.keys(scenario.contestants).map((name) => [
    name,
    Object.fromEntries(columnsOf(scenario).map((variant) => [variant, figures.of(name, variant)])),
  ]);
  const goals = scenario.goals.map((goal) => ({ ...goal, measured: measuredFor(goal, figures) }));
  return { unit: scenario.unit, figures: Object.fromEntries(contestants), goals };
}

function machine(): Pick<Conditions, 'machine' | 'versions'> {
  const processors = cpus();
  const versions = peers.map((name) => {
    const manifest = new URL(`../node_modules/${name}/package.json`, import.meta.url);
    return `${name} ${(JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version}`;
  });
  return {
    machine: `${processors.length} cores of ${processors[0]?.model.trim()}`,
    versions: [`Node ${process.versions.node}`, ...versions].join(', '),
  };
}

function load(): number {
  return loadavg()[0] ?? Number.NaN;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
