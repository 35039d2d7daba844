import type { LocateQuery, NamedCursor, NewMessage, ReadQuery, Settlement, WriteBatch } from '@hexbus/core';
import fc from 'fast-check';
import { checkSame } from '../../support/check.ts';
import { heard } from '../../support/unhandled.ts';
import { message, type OpenedHistory, settlement } from '../opened.ts';
import { checkLocated, checkPage, checkWrite } from './answers.ts';
import type { HistoryOracle } from './oracle.ts';
import { filters, topics, waits } from './world.ts';

interface SettleDraft {
  readonly outcome: Settlement['outcome'];
  /** Which of the messages that fit, or of all held ones if it shall not fit. */
  readonly pick: number;
  readonly fits: boolean;
}

/** A call as it is drawn: positions are picked when it is made. */
export type CallDraft =
  | {
      readonly call: 'write';
      readonly append: readonly NewMessage[];
      readonly settle: readonly SettleDraft[];
      readonly commit: readonly Omit<NamedCursor, 'filter'>[];
      readonly forget: readonly string[];
      readonly stale: boolean;
    }
  | ({ readonly call: 'read'; readonly backwards: boolean; readonly pick: number; readonly stale: boolean } & Pick<
      ReadQuery,
      'filter' | 'limit' | 'maxBytes' | 'state'
    >)
  | {
      readonly call: 'locate';
      readonly filter: readonly string[];
      readonly from: LocateQuery['from'];
      readonly stale: boolean;
    }
  | { readonly call: 'loadCursor'; readonly name: string }
  | { readonly call: 'summarize'; readonly topic: string };

/** Time passes, then calls are made at once, without waiting for one another; or the history is reopened. */
export type Step =
  | { readonly waitMs: number; readonly calls: readonly CallDraft[] }
  | { readonly waitMs: number; readonly reopen: 'closed' | 'crashed' };

/** Makes one call and returns what checks its answer. Checks run in the order of the calls. */
export function makeCall(
  draft: CallDraft,
  history: OpenedHistory,
  oracle: HistoryOracle,
  now: number,
): () => Promise<void> {
  const epochOf = (stale: boolean): string => (stale ? `${oracle.epoch}x` : oracle.epoch);
  const { store } = history;
  switch (draft.call) {
    case 'write': {
      const batch: WriteBatch = {
        epoch: epochOf(draft.stale),
        append: draft.append,
        settle: draft.settle.map((each) => pickSettlement(each, oracle)),
        commitCursors: draft.commit.map((cursor) => ({ ...cursor, filter: ['counted', 'aged.>'] })),
        deleteCursors: draft.forget,
      };
      const answer = heard(store.write(batch));
      return async () => checkWrite(oracle, batch, now, await answer);
    }
    case 'read': {
      const { backwards, pick, stale, call: _, ...rest } = draft;
      const position = pick % (oracle.head + 2);
      const range = backwards ? { before: position } : { after: position };
      const query: ReadQuery = { ...rest, epoch: epochOf(stale), range };
      const answer = heard(store.read(query));
      return async () => checkPage(oracle, query, await answer);
    }
    case 'locate': {
      const { filter, stale } = draft;
      const from = 'since' in draft.from ? { since: now - draft.from.since } : draft.from;
      const query: LocateQuery = { epoch: epochOf(stale), filter, from };
      const answer = heard(store.locate(query));
      return async () => checkLocated(oracle, query, await answer);
    }
    case 'loadCursor': {
      const answer = heard(store.loadCursor(draft.name));
      return async () => checkSame(await answer, oracle.cursors.get(draft.name), `the cursor ${draft.name}`);
    }
    case 'summarize': {
      const answer = heard(store.summarize(draft.topic));
      return async () => checkSame(await answer, oracle.summarize(draft.topic), `the summary of ${draft.topic}`);
    }
  }
}

function pickSettlement({ outcome, pick, fits }: SettleDraft, oracle: HistoryOracle): Settlement {
  const state = outcome === 'handled' || outcome === 'dead' ? 'live' : 'dead';
  const candidates = oracle.fates.filter(
    (fate) => oracle.retention.isHeld(fate.message.topic) && (!fits || fate.state === state),
  );
  const chosen = candidates[pick % Math.max(1, candidates.length)]?.message;
  return settlement(outcome, chosen?.topic ?? 'held.drop', chosen?.position ?? pick);
}

const pick = fc.nat(60);
const rarely = fc.integer({ min: 0, max: 11 }).map((n) => n === 0);
const mostly = fc.integer({ min: 0, max: 5 }).map((n) => n > 0);
const cursorName = fc.constantFrom('billing', 'audit');
const filter = fc.constantFrom(...filters);

const append = fc
  .record({
    topic: fc.constantFrom(...topics),
    id: fc.constantFrom('a', 'b', 'c', 'd'),
    deduplicate: fc.boolean(),
    size: fc.nat(30),
  })
  .map(({ topic, id, deduplicate, size }) =>
    message(topic, id, { deduplicate, body: JSON.stringify('x'.repeat(size)) }),
  );

const settle = fc.record({
  outcome: fc.constantFrom<Settlement['outcome']>('handled', 'dead', 'requeue', 'discard'),
  pick,
  fits: mostly,
});

const commit = fc.record({ name: cursorName, epoch: fc.constantFrom('old', 'older'), position: fc.nat(30) });

const write = fc.record({
  call: fc.constant('write' as const),
  append: fc.array(append, { maxLength: 5 }),
  settle: fc.array(settle, { maxLength: 3 }),
  commit: fc.array(commit, { maxLength: 1 }),
  forget: fc.oneof({ weight: 5, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.tuple(cursorName) }),
  stale: rarely,
});

const read = fc.record({
  call: fc.constant('read' as const),
  filter,
  backwards: fc.boolean(),
  pick,
  limit: fc.constantFrom(1, 2, 5, 1000),
  maxBytes: fc.constantFrom(20, 60, 100_000),
  state: fc.constantFrom<ReadQuery['state']>('live', 'live', 'dead'),
  stale: rarely,
});

const locate = fc.record({
  call: fc.constant('locate' as const),
  filter,
  from: fc.oneof(
    fc.constant({ earliest: true as const }),
    fc.record({ last: fc.nat(5) }),
    fc.record({ since: fc.constantFrom(0, 1, 49, 50, 51, 100, 150) }),
  ),
  stale: rarely,
});

const call: fc.Arbitrary<CallDraft> = fc.oneof(
  { weight: 6, arbitrary: write },
  { weight: 4, arbitrary: read },
  { weight: 2, arbitrary: locate },
  { weight: 1, arbitrary: fc.record({ call: fc.constant('loadCursor' as const), name: cursorName }) },
  {
    weight: 1,
    arbitrary: fc.record({ call: fc.constant('summarize' as const), topic: fc.constantFrom(...topics, 'none') }),
  },
);

/** The steps that a store can take: a history that is not durable is never reopened. */
export function stepOf(canReopen: boolean, canCrash: boolean): fc.Arbitrary<Step> {
  const waitMs = fc.constantFrom(...waits);
  const calls = fc.record({ waitMs, calls: fc.array(call, { minLength: 1, maxLength: 3 }) });
  if (!canReopen) return calls;
  const reopen = fc.constantFrom<'closed' | 'crashed'>('closed', ...(canCrash ? (['crashed'] as const) : []));
  return fc.oneof({ weight: 8, arbitrary: calls }, { weight: 1, arbitrary: fc.record({ waitMs, reopen }) });
}
