import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { nodeMajor, root } from './support/repository.ts';

// dependency-cruiser itself needs Node 22; what it reads is the same on every Node.
test.skipIf(nodeMajor < 22)('imports follow the directions in .dependency-cruiser.json', () => {
  const cruise = 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs';
  const args = [cruise, 'packages', '--config', '.dependency-cruiser.json', '--output-type', 'err-long'];
  const run = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  expect(run.status, run.stdout + run.stderr).toBe(0);
});
