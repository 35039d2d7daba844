import type { WriteBatch, WriteResult } from '@hexbus/core';
import { DurableMinimal } from '../durable-minimal.ts';
import { failingRules } from '../mutants/mutant.ts';

/** Keeps a second promise of each write, to which nobody listens. Not among the mutants, since vitest counts such rejections itself. */
class Leaky extends DurableMinimal {
  override write(batch: WriteBatch): Promise<WriteResult> {
    const written = super.write(batch);
    void written.then(() => {});
    return written;
  }
}

// Without a listener the first rejection would end the process.
process.on('unhandledRejection', () => {});
const failures = await failingRules({ Store: Leaky }, 1);
process.stdout.write(JSON.stringify([...failures]));
