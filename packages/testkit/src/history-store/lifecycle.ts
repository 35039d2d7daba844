import { type ErrorCode, type HistoryStore, type OpenHistoryOptions, systemClock } from '@hexbus/core';
import { check, checkRejects, checkSame } from '../support/check.ts';
import type { Rule } from '../support/rule.ts';
import { heard, unhandledDuring } from '../support/unhandled.ts';
import { type HistoryLab, keepAll, openStore } from './lab.ts';
import { emptyBatch, message } from './opened.ts';

const options: OpenHistoryOptions = { retention: keepAll, deduplication: { maxIds: 10, maxAgeMs: 1000 } };
const query = { epoch: 'other', filter: ['order.created'] };

type Verb = Exclude<keyof HistoryStore, 'name' | 'capabilities'>;

/** Every verb with harmless arguments. */
const verbs: Readonly<Record<Verb, (store: HistoryStore) => Promise<unknown>>> = {
  open: (store) => store.open(options),
  write: (store) => store.write({ epoch: 'other', ...emptyBatch }),
  read: (store) => store.read({ ...query, range: { after: 0 }, limit: 1, maxBytes: 1000, state: 'live' }),
  locate: (store) => store.locate({ ...query, from: { earliest: true } }),
  loadCursor: (store) => store.loadCursor('billing'),
  summarize: (store) => store.summarize('order.created'),
  close: (store) => store.close(),
};

interface Stage {
  /** What is awaited on the way to the state. */
  readonly prepare?: (store: HistoryStore) => Promise<unknown>;
  /** The calls that are under way in it. */
  readonly begin?: (store: HistoryStore) => readonly Promise<unknown>[];
}

/** How a store gets into each state. */
const states = {
  idle: {},
  opening: { begin: (store) => [store.open(options)] },
  open: { prepare: (store) => store.open(options) },
  closing: { prepare: (store) => store.open(options), begin: (store) => [store.close()] },
  closed: { prepare: (store) => store.open(options).then(() => store.close()) },
  'closed before it was opened': { prepare: (store) => store.close() },
  'closed while it opened': { begin: (store) => [store.open(options), store.close()] },
  'failed to open': { prepare: (store) => store.open({ ...options, signal: AbortSignal.abort() }).catch(() => {}) },
} satisfies Record<string, Stage>;

type State = keyof typeof states;

const allStates = Object.keys(states) as State[];

/** Acts on a new store in a state. No turn passes between the calls that lead there and those of `act`. */
async function inState(lab: HistoryLab, state: State, act: (store: HistoryStore) => Promise<unknown>): Promise<void> {
  const store = lab.create();
  const { prepare, begin }: Stage = states[state];
  await prepare?.(store);
  const underWay = begin?.(store).map(heard) ?? [];
  await act(store);
  await Promise.allSettled(underWay);
}

const closed: readonly ErrorCode[] = ['HEXBUS_CLOSED'];

/** What every verb but `open` and `close` says in each state; nothing where it answers. */
const refusals: Readonly<Record<State, readonly ErrorCode[]>> = {
  idle: ['HEXBUS_NOT_OPEN'],
  opening: ['HEXBUS_NOT_OPEN'],
  open: [],
  closing: closed,
  closed,
  'closed before it was opened': closed,
  'closed while it opened': closed,
  'failed to open': ['HEXBUS_NOT_OPEN', 'HEXBUS_CLOSED'],
};

const openRefusals: Readonly<Record<State, readonly ErrorCode[]>> = {
  ...refusals,
  idle: [],
  opening: ['HEXBUS_CONFIG'],
  open: ['HEXBUS_CONFIG'],
  'failed to open': ['HEXBUS_CONFIG', 'HEXBUS_CLOSED'],
};

/** Runs a verb in a state, where it must answer, or reject with one of `codes` if there are any. */
async function runVerb(lab: HistoryLab, state: State, name: Verb, codes: readonly ErrorCode[]): Promise<void> {
  await inState(lab, state, (store) => {
    const call = (): Promise<unknown> => verbs[name](store);
    return codes.length === 0 ? call() : checkRejects(call, codes, `${name} on a store that is ${state}`);
  });
}

const others: readonly Verb[] = ['write', 'read', 'locate', 'loadCursor', 'summarize'];

function verbRule(id: string, sentence: string, ...cases: readonly State[]): Rule<HistoryLab> {
  return {
    id,
    sentence,
    async check(lab) {
      for (const state of cases) {
        for (const name of others) await runVerb(lab, state, name, refusals[state]);
      }
    },
  };
}

export const lifecycleRules: readonly Rule<HistoryLab>[] = [
  {
    id: 'HS-01',
    sentence: 'A store has a name, says whether it is durable, and has every verb of the port.',
    async check(lab) {
      const store = lab.create();
      check(typeof store.name === 'string' && store.name !== '', 'the name should be a text that is not empty');
      check(typeof store.capabilities.durable === 'boolean', 'capabilities.durable should be true or false');
      for (const name of Object.keys(verbs)) {
        check(typeof store[name as Verb] === 'function', `${name} should be a method`);
      }
    },
  },
  verbRule('HS-02', 'Before open was called every verb rejects with HEXBUS_NOT_OPEN.', 'idle'),
  verbRule('HS-03', 'Until open has resolved every verb rejects with HEXBUS_NOT_OPEN.', 'opening'),
  verbRule('HS-04', 'On an open store every verb answers.', 'open'),
  verbRule('HS-05', 'From the call of close on every verb rejects with HEXBUS_CLOSED.', 'closing', 'closed'),
  verbRule(
    'HS-06',
    'A store that was closed before it was open stays closed.',
    'closed before it was opened',
    'closed while it opened',
  ),
  verbRule('HS-07', 'A store whose opening failed answers no verb.', 'failed to open'),
  {
    id: 'HS-08',
    sentence:
      'A store opens once: a second open rejects with HEXBUS_CONFIG, after close with HEXBUS_CLOSED, and harms nothing.',
    async check(lab) {
      for (const state of allStates) await runVerb(lab, state, 'open', openRefusals[state]);
      const history = await lab.open();
      await history.store.open(options).catch(() => {});
      await history.put('order.created', 'a');
      checkSame(await history.ids(['order.created']), ['a'], 'messages after a second open');
    },
  },
  {
    id: 'HS-09',
    sentence: 'close may be called in every state and any number of times, and always gives the same promise.',
    async check(lab) {
      for (const state of allStates) {
        await inState(lab, state, async (store) => {
          const first = store.close();
          check(store.close() === first, `close while ${state} should give the promise of the first call again`);
          await first;
          check(store.close() === first, `close when closed, having been ${state}, should give the first promise`);
        });
      }
    },
  },
  {
    id: 'HS-10',
    sentence: 'close waits for the calls that were made before it, and they succeed.',
    async check(lab) {
      const history = await lab.open();
      const finished: string[] = [];
      const note = (what: string) => () => void finished.push(what);
      const write = history.append(message('order.created', 'a'));
      const page = history.read(['order.created']);
      const calls = [write.then(note('write')), page.then(note('read'))].map(heard);
      await history.store.close();
      // What has settled by now calls back within this turn.
      await new Promise<void>((resolve) => systemClock.nextTurn(resolve));
      checkSame([...finished].sort(), ['read', 'write'], 'calls that were answered when close resolved');
      await Promise.all(calls);
      check((await write).applied, 'a write that was called before close should be applied');
    },
  },
  {
    id: 'HS-11',
    sentence: 'open with a signal that is already aborted rejects, and leaves its place to another store at once.',
    async check(lab) {
      const store = lab.create();
      const outcome = await store.open({ ...options, signal: AbortSignal.abort() }).then(
        () => 'resolved',
        () => 'rejected',
      );
      checkSame(outcome, 'rejected', 'open with an aborted signal');
      if (lab.canReopen)
        checkSame((await openStore(lab.createAgain(store))).opened.position, 0, 'the head of that place');
    },
  },
  {
    id: 'HS-12',
    sentence: 'No promise is left to reject without a listener.',
    async check(lab) {
      const reasons = await unhandledDuring(async () => {
        for (const state of allStates) {
          await inState(lab, state, (store) =>
            Promise.allSettled([...Object.values(verbs).map((verb) => verb(store)), store.close()]),
          );
        }
      });
      checkSame(reasons.map(String), [], 'rejections that nobody listened to');
    },
  },
];
