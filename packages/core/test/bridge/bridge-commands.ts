import fc, { type Arbitrary } from 'fast-check';
import type { IssuedAs } from '../properties/commands.ts';
import type { Fault } from '../properties/scheduled-history.ts';

export type Behaviour = 'ok' | 'slow' | 'throw' | 'leave';

export type BridgeCommand =
  | { readonly do: 'arrive'; readonly types: readonly string[] }
  /** The source hands over again what it had accepted. */
  | { readonly do: 'repeat'; readonly count: number }
  | {
      readonly do: 'attach';
      readonly topic: 'step' | 'hint';
      readonly maxTries: number;
      readonly script: readonly Behaviour[];
    }
  | { readonly do: 'detach'; readonly pick: number }
  | { readonly do: 'fault'; readonly fault: Fault }
  | { readonly do: 'reopen bridge' }
  /** Bridge and bus are closed, in either order, and made anew on the same history. */
  | { readonly do: 'reload'; readonly busFirst: boolean }
  /** The page is gone between two steps, and loaded again. */
  | { readonly do: 'crash' };

const behaviours: Arbitrary<Behaviour> = fc.constantFrom('ok', 'slow', 'slow', 'throw', 'leave');

const command: Arbitrary<BridgeCommand> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('arrive' as const),
      types: fc.array(fc.constantFrom('Step', 'Step', 'Done', 'Hint'), { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('attach' as const),
      topic: fc.constantFrom('step' as const, 'step' as const, 'hint' as const),
      maxTries: fc.integer({ min: 1, max: 2 }),
      script: fc.array(behaviours, { maxLength: 5 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('detach' as const), pick: fc.nat({ max: 5 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('repeat' as const), count: fc.integer({ min: 1, max: 4 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('fault' as const),
      fault: fc.constantFrom<Fault>('fails', 'unknown-lost', 'unknown-done'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reopen bridge' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('reload' as const), busFirst: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const) }) },
);

export const bridgePrograms: Arbitrary<readonly IssuedAs<BridgeCommand>[]> = fc.array(
  command.map((one) => ({ command: one, joined: false })),
  { minLength: 1, maxLength: 20, size: 'max' },
);
