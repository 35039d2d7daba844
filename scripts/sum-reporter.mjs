// A vitest reporter for CI: writes how a run went, and by name what failed in it, for sum-reports.mjs to add up.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

/** @typedef {import('vitest/node').Reporter} Reporter */

/** All of its message in one line: what a page waited for stands in the last ones. @type {(error: any) => string} */
const messageOf = (error) =>
  stripVTControlCharacters(String(error?.message ?? error))
    .split(/\s*\n\s*/)
    .join(' ')
    .trim();
/** @type {(error: any) => string[]} */
const reasons = (error) => (error === undefined ? [] : [messageOf(error), ...reasons(error.cause)]);

/** @implements {Reporter} */
export default class SumReporter {
  /** @type {NonNullable<Reporter['onTestRunEnd']>} */
  onTestRunEnd(modules, unhandledErrors) {
    const path = process.env['HEXBUS_SUM'];
    if (path === undefined) return;
    const sum = { passed: 0, failed: 0, skipped: 0 };
    /** @type {string[]} */
    const problems = [];
    for (const module of modules) {
      const file = relative(process.cwd(), module.moduleId);
      const failedHooks = [...module.children.allSuites()].flatMap((suite) => suite.errors());
      for (const error of [...module.errors(), ...failedHooks]) problems.push(`${file}: ${messageOf(error)}`);
      let unfinished = 0;
      for (const test of module.children.allTests()) {
        const { state, errors } = test.result();
        // A worker that ends in the middle leaves its tests pending.
        if (state === 'pending') unfinished += 1;
        else sum[state] += 1;
        if (state === 'failed')
          problems.push(`${file} > ${test.fullName}: ${(errors ?? []).map(messageOf).join('; ')}`);
      }
      if (unfinished > 0) problems.push(`${file}: ${unfinished} tests did not end`);
      // One that ends before it knows its tests has none, and files that were to share it may not have begun.
      const unknown = unfinished === 0 && ['queued', 'pending'].includes(module.state());
      if (unknown) problems.push(`${file}: did not end`);
      sum.failed += unknown ? 1 : unfinished;
    }
    for (const error of unhandledErrors) problems.push(`outside of a test: ${reasons(error).join(', caused by: ')}`);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, JSON.stringify({ ...sum, problems }));
  }
}
