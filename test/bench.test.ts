import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { root } from './support/repository.ts';

interface Scenario {
  readonly figures: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;
}

// The Node of the devDependencies: it runs TypeScript as it is, and has node:sqlite.
test('every benchmark runs and gives figures', { timeout: 180_000 }, () => {
  const node = 'node_modules/node/bin/node';
  const args = ['--conditions=hexbus-source', '--expose-gc', 'bench/main.ts', '--quick', '--json'];
  // One that does not end would keep the test from failing too.
  const run = spawnSync(node, args, { cwd: root, encoding: 'utf8', timeout: 170_000 });
  expect(run.status, run.stderr).toBe(0);
  const scenarios = Object.entries(JSON.parse(run.stdout) as Record<string, Scenario>);
  expect(scenarios.length).toBeGreaterThan(0);
  for (const [name, { figures }] of scenarios) {
    const ofAll = Object.values(figures).flatMap((byVariant) => Object.values(byVariant).flat());
    expect(ofAll.length, name).toBeGreaterThan(0);
    expect(ofAll.every(Number.isFinite), `${name}: ${ofAll}`).toBe(true);
  }
});
