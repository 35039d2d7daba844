import fc from 'fast-check';
import { check, checkSame, show } from '../../support/check.ts';
import { suiteDefaults } from '../../support/defaults.ts';
import type { Rule } from '../../support/rule.ts';
import type { HistoryLab } from '../lab.ts';
import { HistoryOracle } from './oracle.ts';
import { makeCall, type Step, stepOf } from './steps.ts';
import { options } from './world.ts';

async function runSteps(lab: HistoryLab, steps: readonly Step[]): Promise<void> {
  let history = await lab.open(options);
  const oracle = new HistoryOracle(options, history.epoch, history.opened.position);
  for (const [index, step] of steps.entries()) {
    try {
      lab.clock.jump(step.waitMs);
      if ('reopen' in step) {
        history = step.reopen === 'closed' ? await lab.reopen(history, options) : await lab.crash(history, options);
        const { epoch, position } = history.opened;
        checkSame(epoch, oracle.epoch, 'the epoch after reopening');
        check(position >= oracle.head, `the head fell from ${oracle.head} to ${position}`);
        oracle.head = position;
      } else {
        // Over-age messages may or may not be seen until a write; this one settles it.
        const trim = makeCall(
          { call: 'write', append: [], settle: [], commit: [], forget: [], stale: false },
          history,
          oracle,
          lab.clock.now(),
        );
        const answers = step.calls.map((draft) => makeCall(draft, history, oracle, lab.clock.now()));
        for (const checkAnswer of [trim, ...answers]) await checkAnswer();
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`step ${index + 1}, ${show(step)}: ${reason}`, { cause: error });
    }
  }
}

export const modelRules: readonly Rule<HistoryLab>[] = [
  {
    id: 'HS-88',
    sentence: 'Whatever is called in whatever order, a history answers as a plain model of the port does.',
    async check(lab) {
      const { runs = suiteDefaults.runs, ...repeat } = lab.property;
      const steps = fc.array(stepOf(lab.canReopen, lab.canCrash), { maxLength: 25, size: 'max' });
      // After a failure as many runs again may look for a shorter one; then shrinking ends, since a run that is not made does not fail.
      let left = Infinity;
      const property = fc.asyncProperty(steps, async (drawn) => {
        if (left-- <= 0) return;
        const inner = lab.another();
        try {
          await runSteps(inner, drawn);
        } catch (error) {
          left = Math.min(left, runs);
          throw error;
        } finally {
          await inner.end();
        }
      });
      await fc.assert(property, { numRuns: runs, includeErrorInReport: true, ...repeat });
    },
  },
];
