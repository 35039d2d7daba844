import type { StoredMessage } from '@hexbus/core';
import { expect } from 'vitest';
import type { Journal } from './journal.ts';
import { boundedCount, boundedTopic, inboxCount, inboxTopic, jobTopic, streamTopics } from './topics.ts';

/** What is in a history file. Oldest first. */
export interface Snapshot {
  readonly epoch: string;
  readonly head: number;
  readonly streams: readonly StoredMessage[];
  readonly bounded: readonly StoredMessage[];
  readonly jobs: readonly StoredMessage[];
  readonly deadJobs: readonly StoredMessage[];
  readonly inbox: readonly StoredMessage[];
  /** The position of the durable cursor, 0 while there is none. */
  readonly cursor: number;
}

const positionsOf = (messages: readonly StoredMessage[]): number[] => messages.map(({ position }) => position);

/** A crash repeats at most this many messages of a durable subscription. */
const commitBatch = 64;

/** The first index at which the two differ, -1 for none; the second may go on. Thousands of numbers would make no readable failure. */
function firstDifference(values: readonly unknown[], expected: readonly unknown[]): number {
  return values.findIndex((value, index) => value !== expected[index]);
}

/** P8, P9, P26: what resolved is there, once, where its receipt says, and in the order in which it was published. */
export function checkPublished(found: Snapshot, journal: Journal): void {
  const all = [...found.streams, ...found.bounded, ...found.jobs, ...found.deadJobs, ...found.inbox];
  all.sort((a, b) => a.position - b.position);
  expect(new Set(all.map(({ id }) => id)).size, 'P26: no id twice').toBe(all.length);

  const tries = journal.firstTries();
  const order = all.map(({ id }) => tries.get(id));
  expect(order, 'nothing that was never published').not.toContain(undefined);
  const sorted = order.toSorted((a = 0, b = 0) => a - b);
  expect(firstDifference(order, sorted), 'P8: in the order of publishing').toBe(-1);

  const streams = new Map(found.streams.map((message) => [message.position, `${message.topic} ${message.id}`]));
  for (const topic of streamTopics) {
    const lost = journal.resolved(topic).filter(({ position, id }) => streams.get(position) !== `${topic} ${id}`);
    expect(lost, 'P9: what resolved is there').toEqual([]);
  }
  checkNewest(found.bounded, journal.resolved(boundedTopic), boundedCount);
  checkNewest(found.inbox, journal.resolved(inboxTopic), inboxCount);
  const highest = Math.max(0, ...positionsOf(all), ...journal.positions('resolved').slice(-1_000));
  expect(found.head, 'the head covers what resolved').toBeGreaterThanOrEqual(highest);
}

/** A bound keeps the newest and nothing else. */
function checkNewest(
  kept: readonly StoredMessage[],
  resolved: readonly { readonly position: number }[],
  bound: number,
): void {
  expect(kept.length).toBeLessThanOrEqual(bound);
  expect(kept.length).toBeGreaterThanOrEqual(Math.min(bound, resolved.length));
  const positions = new Set(positionsOf(kept));
  const oldest = kept[0]?.position ?? 0;
  const lost = resolved.filter(({ position }) => position >= oldest && !positions.has(position));
  expect(lost, 'P9: what resolved is there').toEqual([]);
}

/** P17, P18, P12: nothing unhandled at or before the cursor, few handled behind it, and each run went on right behind it. */
export function checkDurable(found: Snapshot, before: Snapshot, journal: Journal, run: number): void {
  const streams = positionsOf(found.streams);
  const ended = new Set(journal.positions('end'));
  const passed = streams.filter((position) => position <= found.cursor && !ended.has(position));
  expect(passed, 'P17: no unhandled message at or before the cursor').toEqual([]);
  expect(found.cursor).toBeGreaterThanOrEqual(before.cursor);

  const toRepeat = new Set(journal.positions('start').filter((position) => position > found.cursor));
  expect(toRepeat.size, 'P18: at most one commit batch is repeated').toBeLessThanOrEqual(commitBatch);

  const started = journal.ofLastRun(run, 'start');
  const behind = streams.filter((position) => position > before.cursor);
  expect(firstDifference(started, behind), 'P1, P12, P18: goes on behind the cursor, and leaves nothing out').toBe(-1);
}

/** P19, P20: each message of the held topic waits, or is dead, or was handled; first come, first handled. */
export function checkHeld(found: Snapshot, before: Snapshot, journal: Journal, run: number): void {
  const waiting = new Set(positionsOf(found.jobs));
  const dead = new Set(positionsOf(found.deadJobs));
  const succeeded = new Set(journal.positions('job-end'));
  const failed = new Set(journal.positions('job-failed'));

  const known = new Set([...journal.resolved(jobTopic).map(({ position }) => position), ...waiting, ...dead]);
  const gone = [...known].filter((position) => !waiting.has(position) && !dead.has(position));
  expect(
    [...waiting].filter((position) => dead.has(position)),
    'P19: waiting or dead',
  ).toEqual([]);
  expect(
    gone.filter((position) => !succeeded.has(position)),
    'P19: what is gone was handled',
  ).toEqual([]);
  expect(
    [...dead].filter((position) => !failed.has(position) || succeeded.has(position)),
    'P19: what is dead had failed',
  ).toEqual([]);
  const told = new Set(journal.positions('handled'));
  expect(
    [...told].filter((position) => waiting.has(position) || dead.has(position)),
    'P19: handled is gone',
  ).toEqual([]);
  expect(
    journal.positions('dead').filter((position) => !dead.has(position)),
    'P19: dead stays dead',
  ).toEqual([]);

  const first = Math.min(Number.POSITIVE_INFINITY, ...waiting);
  expect(
    [...gone, ...dead].filter((position) => position > first),
    'P20: in order of reception',
  ).toEqual([]);
  const attempted = [...waiting].filter((position) => succeeded.has(position) || failed.has(position));
  expect(attempted.length, 'one is in delivery at a time').toBeLessThanOrEqual(1);

  const started = [...new Set(journal.ofLastRun(run, 'job-start'))];
  expect(started, 'P20: in order of reception').toEqual(started.toSorted((a, b) => a - b));
  const next = before.jobs[0]?.position;
  if (started.length > 0 && next !== undefined) expect(started[0], 'goes on with the first that waits').toBe(next);
  const inbox = new Set(positionsOf(found.inbox));
  expect(
    journal.positions('dropped').filter((position) => inbox.has(position)),
    'P19: dropped is gone',
  ).toEqual([]);
}
