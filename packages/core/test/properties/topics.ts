import type { RetentionPolicies, RetentionPolicy, TopicPolicy } from '@hexbus/core';

/** What the histories of all runs keep: limits small enough to be reached, one topic without any, and each kind of held topic. */
export const policies: RetentionPolicies = [
  { kind: 'limits', pattern: 'a.x', maxCount: 6, maxAgeMs: Infinity },
  { kind: 'limits', pattern: 'a.y', maxCount: 4, maxAgeMs: 2_000 },
  { kind: 'limits', pattern: 'b', maxCount: Infinity, maxAgeMs: Infinity },
  { kind: 'limits', pattern: 'c.>', maxCount: Infinity, maxAgeMs: 3_000 },
  { kind: 'until-handled', pattern: 'job', maxCount: 50, maxAgeMs: Infinity, overflow: 'reject' },
  { kind: 'until-handled', pattern: 'mail', maxCount: 3, maxAgeMs: Infinity, overflow: 'drop-oldest' },
  { kind: 'until-handled', pattern: 'note', maxCount: 2, maxAgeMs: 4_000, overflow: 'reject' },
];

export const streamTopics: readonly string[] = ['a.x', 'a.y', 'b', 'c.one'];
export const heldTopics: readonly string[] = ['job', 'mail', 'note'];

export const topicSettings: Readonly<Record<string, TopicPolicy>> = Object.fromEntries(
  policies.map((policy) => [policy.pattern, { retain: retainOf(policy) }]),
);

function retainOf(policy: RetentionPolicy): NonNullable<TopicPolicy['retain']> {
  const { maxCount, maxAgeMs } = policy;
  return policy.kind === 'limits'
    ? { maxCount, maxAgeMs }
    : { until: 'handled', maxCount, maxAgeMs, overflow: policy.overflow };
}
