import type { TopicPolicy } from '@hexbus/core';
import type { Addresses, FollowedTopics } from '../shared/messages.ts';

export type Events = FollowedTopics & Addresses;

/** What the history keeps, and how long. */
export const topics: Readonly<Record<string, TopicPolicy>> = {
  // A page that comes later gets how things stand, and the last minute.
  'board.people': { retain: { maxCount: 1 } },
  'board.second': { retain: { maxCount: 60 } },
  'board.pulse': { retain: { maxCount: 1 } },
  'pulse.kept': { retain: { maxCount: 5_000 } },
  // What is posted to a user or a session waits there. What is posted to all reaches who is connected.
  '@user.>': { retain: { maxCount: 200 } },
  '@session.>': { retain: { maxCount: 200, maxAgeMs: 3_600_000 } },
};

/** What a page may follow. It may publish nothing: it asks the server. */
export const followedTopics: ReadonlySet<string> = new Set<keyof FollowedTopics>([
  'board.people',
  'board.second',
  'board.pulse',
  'pulse.kept',
  'pulse.fleeting',
]);
