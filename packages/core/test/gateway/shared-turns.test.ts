import { createVirtualClock } from '@hexbus/testkit';
import { expect, test } from 'vitest';
import { SharedTurns } from '../../src/gateway/stream/shared-turns.ts';
import { deferred } from '../support/deferred.ts';

interface Made {
  readonly turns: SharedTurns;
  /** What began since the last call, in order. */
  took(): readonly string[];
  /** Asks for a work that takes so long, in which nobody else has a turn; `msAfter`: and so long with its answer. */
  ask(name: string, ms: number, msAfter?: number): Promise<string>;
  /** One turn. Resolves with what began in it. */
  turn(): Promise<readonly string[]>;
  readonly pendingTurns: number;
}

/** Every promise that can settle in this turn has. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function made(): Made {
  const clock = createVirtualClock();
  const turns = new SharedTurns(clock);
  const began: string[] = [];
  const took = (): readonly string[] => began.splice(0);
  return {
    turns,
    took,
    ask: (name, ms, msAfter = 0) =>
      turns.run(async () => {
        began.push(name);
        clock.jump(ms);
        await undefined;
        clock.jump(msAfter);
        return name;
      }),
    async turn() {
      clock.runTurn();
      await settled();
      return took();
    },
    get pendingTurns() {
      return clock.pendingTurns;
    },
  };
}

test('what nobody is before begins at once', async () => {
  const { ask, took, turn } = made();
  const one = ask('one', 1);
  expect(took()).toEqual(['one']);
  expect(await one).toBe('one');
  await turn();
  void ask('another', 1);
  expect(took()).toEqual(['another']);
});

test('a turn begins what there is time for, in the order in which it was asked for, and the next ones the rest', async () => {
  const { ask, took, turn } = made();
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) void ask(name, 2);
  await settled();
  expect(took()).toEqual(['a', 'b', 'c']);
  expect(await turn()).toEqual(['d', 'e', 'f']);
  expect(await turn()).toEqual(['g']);
});

test('what is asked for in a turn that is used up waits for the next one, behind those who came before', async () => {
  const { ask, took, turn } = made();
  for (const name of ['a', 'b']) void ask(name, 5);
  await settled();
  void ask('c', 0);
  expect(took()).toEqual(['a']);
  expect(await turn()).toEqual(['b']);
  expect(await turn()).toEqual(['c']);
});

test('a work of any length is done, one in each turn', async () => {
  const { ask, took, turn } = made();
  const all = Promise.all(['a', 'b', 'c'].map((name) => ask(name, 1_000)));
  expect(took()).toEqual(['a']);
  await settled();
  expect(await turn()).toEqual(['b']);
  expect(await turn()).toEqual(['c']);
  expect(await all).toEqual(['a', 'b', 'c']);
});

test('a work that is not done within the turn holds up nobody beyond it', async () => {
  const { turns, ask, took, turn } = made();
  const answer = deferred<string>();
  void ask('a', 5);
  const slow = turns.run(() => answer.promise);
  void ask('b', 0);
  expect(await turn()).toEqual(['a']);
  void ask('c', 0);
  expect(took()).toEqual([]);
  expect(await turn()).toEqual(['b', 'c']);
  void ask('d', 0);
  expect(took()).toEqual(['d']);
  answer.resolve('slow');
  expect(await slow).toBe('slow');
});

test('what a work does with its answer counts too', async () => {
  const { ask, took, turn } = made();
  void ask('a', 5);
  for (const name of ['b', 'c', 'd']) void ask(name, 1, 2);
  expect(took()).toEqual(['a']);
  expect(await turn()).toEqual(['b', 'c']);
  expect(await turn()).toEqual(['d']);
});

test('a work that fails is told to who asked for it, and to nobody else', async () => {
  const { turns, ask } = made();
  const failing = turns.run(() => Promise.reject(new Error('no')));
  const other = ask('a', 0);
  await expect(failing).rejects.toThrow('no');
  expect(await other).toBe('a');
});

test('no turn is asked for while there is nothing to do', async () => {
  const one = made();
  expect(one.pendingTurns).toBe(0);
  void one.ask('a', 0);
  expect(one.pendingTurns).toBe(1);
  await one.turn();
  expect(one.pendingTurns).toBe(0);
});
