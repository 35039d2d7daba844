// Adds up what sum-reporter.mjs wrote of several vitest runs: what failed, by name, and as the last line the sum.
// Usage: node sum-reports.mjs <number of failed steps> <report>...
import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';

const [failedSteps, ...paths] = process.argv.slice(2);
const sum = { passed: 0, failed: 0, skipped: 0 };
for (const path of paths) {
  const run = basename(path, '.json');
  if (!existsSync(path)) {
    console.log(`${run}: the run did not come to its end`);
    sum.failed += 1;
    continue;
  }
  const { passed, failed, skipped, problems } = JSON.parse(readFileSync(path, 'utf8'));
  sum.passed += passed;
  sum.failed += failed;
  sum.skipped += skipped;
  for (const problem of problems) console.log(`${run}: ${problem.slice(0, 700)}`);
}
// A step can fail without a failed test: a file that does not load, a package check.
sum.failed = Math.max(sum.failed, Number(failedSteps));
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
process.exitCode = sum.failed === 0 && sum.passed > 0 ? 0 : 1;
