// Adds up the JSON reports of several vitest runs; its only line is the sum.
// Usage: node sum-reports.mjs <number of failed steps> <report>...
import { existsSync, readFileSync } from 'node:fs';

const [failedSteps, ...paths] = process.argv.slice(2);
const sum = { passed: 0, failed: 0, skipped: 0 };
for (const path of paths.filter((path) => existsSync(path))) {
  const report = JSON.parse(readFileSync(path, 'utf8'));
  sum.passed += report.numPassedTests;
  sum.failed += report.numFailedTests;
  sum.skipped += report.numPendingTests + report.numTodoTests;
}
// A step can fail without a failed test: a file that does not load, a worker that crashes, a package check.
sum.failed = Math.max(sum.failed, Number(failedSteps));
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
process.exitCode = sum.failed === 0 && sum.passed > 0 ? 0 : 1;
