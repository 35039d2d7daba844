import type { Filter, OpenHistoryOptions } from '@hexbus/core';
import { held, limits } from '../lab.ts';

/** Small bounds, so that short runs reach all of them. */
export const options: OpenHistoryOptions = {
  retention: [
    limits('counted', 3),
    limits('aged.>', Infinity, 100),
    limits('aged.own', 2, 50),
    limits('@user.>', 2),
    held('held.reject', { maxCount: 2, maxAgeMs: 200 }),
    held('held.drop', { maxCount: 3, overflow: 'drop-oldest' }),
  ],
  deduplication: { maxIds: 3, maxAgeMs: 60 },
};

export const topics: readonly string[] = [
  'counted',
  'aged.a',
  'aged.b',
  'aged.own',
  '@user.ann',
  'held.reject',
  'held.drop',
];

export const filters: readonly Filter[] = [
  ...topics.map((topic) => [topic]),
  ['aged.*'],
  ['>'],
  ['counted', 'held.reject', 'held.drop'],
  ['*', '@user.>', 'held.drop'],
  ['aged.a', 'aged.>', 'none'],
  ['@user.*', 'aged.own'],
  ['none'],
];

/** How far time moves between two steps; 50, 60, 100 and 200 meet the bounds exactly, and a clock may step back. */
export const waits: readonly number[] = [0, 0, 0, -30, 1, 10, 40, 50, 51, 60, 100, 101, 200];
