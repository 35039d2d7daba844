/** Loaded before the quickstart: holds it up as `HEXBUS_HOLD` says, in the middle of what it does, until the test lets it go. */
import { readSync } from 'node:fs';
import { StatementSync } from 'node:sqlite';
import { isMainThread } from 'node:worker_threads';
import type { Hold } from './program.ts';

/** A pipe of the test's. */
const gate = 3;

if (isMainThread) {
  const { behind, writes }: Hold = JSON.parse(process.env['HEXBUS_HOLD'] ?? '');
  let counting = false;
  let left = writes;

  const print = process.stderr.write.bind(process.stderr) as (...args: unknown[]) => boolean;
  process.stderr.write = (...args: unknown[]): boolean => {
    counting ||= String(args[0]).includes(behind);
    return print(...args);
  };

  const { run } = StatementSync.prototype;
  function heldRun(this: StatementSync, ...values: unknown[]): ReturnType<typeof run> {
    if (counting && left-- === 0) readSync(gate, Buffer.alloc(1));
    return run.apply(this, values as Parameters<typeof run>);
  }
  StatementSync.prototype.run = heldRun;
}
