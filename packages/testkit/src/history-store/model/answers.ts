import {
  createTopicMatcher,
  type Filter,
  type HistoryPage,
  type Located,
  type LocateQuery,
  type ReadQuery,
  type TrimMark,
  type WriteBatch,
  type WriteResult,
} from '@hexbus/core';
import { check, checkSame } from '../../support/check.ts';
import type { HistoryOracle } from './oracle.ts';
import { topics } from './world.ts';

export function checkWrite(oracle: HistoryOracle, batch: WriteBatch, now: number, answer: WriteResult): void {
  checkSame(answer, oracle.write(batch, now, answer), 'the answer to the write');
}

/** Checks a page against what the port leaves open: how far it looks, within its bounds. */
export function checkPage(oracle: HistoryOracle, query: ReadQuery, page: HistoryPage): void {
  const { filter, range, state, limit, maxBytes } = query;
  if (query.epoch !== oracle.epoch) {
    const nothing = { messages: [], through: 0, trimmed: [], reasons: [] };
    checkSame(page, { epoch: oracle.epoch, position: oracle.head, ...nothing }, 'the page of another epoch');
    return;
  }
  checkSame([page.epoch, page.position], [oracle.epoch, oracle.head], 'epoch and head of the page');
  const { through } = page;
  const inReach =
    'after' in range
      ? (position: number) => position > range.after && position <= through
      : (position: number) => position < range.before && position >= through;
  const expected = oracle.messages(filter, state).filter(({ message }) => inReach(message.position));
  checkSame(
    page.messages,
    expected.map(({ message }) => message),
    `the page through ${through}`,
  );
  const reasons = state === 'dead' ? expected.map(({ reason }) => reason) : [];
  checkSame(page.reasons, reasons, 'the reasons of the page');
  checkReach(oracle.head, range, through);
  check(page.messages.length <= limit, `the page holds ${page.messages.length} messages, more than ${limit}`);
  // The one that a page may be too long by is the farthest from where it starts.
  const others = 'after' in range ? page.messages.slice(0, -1) : page.messages.slice(1);
  const units = others.map(({ body, attributes = '' }) => body.length + attributes.length);
  const total = units.reduce((sum, length) => sum + length, 0);
  check(total <= maxBytes, `the page went on when it held ${total} units, more than ${maxBytes}`);
  if ('after' in range) checkMarks(oracle, filter, range.after, page.trimmed);
  else checkSame(page.trimmed, [], 'the marks of a page before a position');
}

function checkReach(head: number, range: ReadQuery['range'], through: number): void {
  if ('before' in range) {
    check(through < range.before || range.before < 1, `the page before ${range.before} looked back to ${through} only`);
  } else if (range.after <= head) {
    const reached = range.after === head ? through === head : through > range.after && through <= head;
    check(reached, `the page after ${range.after} looked through ${through}, with the head at ${head}`);
  }
}

export function checkLocated(oracle: HistoryOracle, query: LocateQuery, answer: Located): void {
  const present = query.epoch === oracle.epoch;
  const start = present ? oracle.locate(query.filter, query.from) : 0;
  const { trimmed, ...rest } = answer;
  checkSame(rest, { epoch: oracle.epoch, position: oracle.head, start }, 'the answer to locate');
  if (present) checkMarks(oracle, query.filter, start, trimmed);
  else checkSame(trimmed, [], 'the marks of another epoch');
}

/** Each loss above `after` must be covered. A topic's mark is exact; a pattern's may be as wide as the losses under its policy. */
function checkMarks(oracle: HistoryOracle, filter: Filter, after: number, marks: readonly TrimMark[]): void {
  const { marks: lost, retention } = oracle;
  const matcher = createTopicMatcher(filter, retention);
  const ofFilter = topics.filter((topic) => matcher.matches(topic));
  for (const topic of ofFilter) {
    const through = lost.get(topic) ?? 0;
    const names = [topic, retention.policyOf(topic)?.pattern];
    const covered = marks.some((mark) => names.includes(mark.topic) && mark.through >= through);
    check(
      through <= after || covered,
      `${topic} was trimmed through ${through}, but the marks are ${JSON.stringify(marks)}`,
    );
  }
  for (const { topic, through } of marks) {
    const under = ofFilter.filter((each) => each === topic || retention.policyOf(each)?.pattern === topic);
    const shared = topics.filter((each) => retention.policyOf(each)?.pattern === topic);
    const highest = Math.max(0, ...[...under, ...shared].map((each) => lost.get(each) ?? 0));
    const exact = topics.includes(topic) ? through === lost.get(topic) : through <= highest;
    check(under.length > 0 && through > after && exact, `after ${after}, the mark of ${topic} says ${through}`);
  }
}
