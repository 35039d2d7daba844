import type { BusOptions } from '@hexbus/core';

export const streamTopics: readonly string[] = ['stream.a', 'stream.b', 'stream.c.d'];
export const boundedTopic = 'bounded.log';
/** Held, with a listener. */
export const jobTopic = 'job';
/** Held, without one; drops its oldest. */
export const inboxTopic = 'inbox';
export const boundedCount = 100;
export const inboxCount = 50;
export const durableName = 'audit';
export const durableFilter = 'stream.>';

export const topics: NonNullable<BusOptions['topics']> = {
  'stream.>': { retain: { maxCount: Number.POSITIVE_INFINITY } },
  [boundedTopic]: { retain: { maxCount: boundedCount } },
  [jobTopic]: { retain: 'until-handled' },
  [inboxTopic]: { retain: { until: 'handled', maxCount: inboxCount, overflow: 'drop-oldest' } },
};
