import { isPattern, matchesPattern } from './pattern.ts';
import type { Filter, RetentionPolicies, RetentionPolicy } from './ports/history-store.ts';

/** Tells the policy of a topic; undefined where nothing is retained. */
export interface RetentionLookup {
  policyOf(topic: string): RetentionPolicy | undefined;
  isHeld(topic: string): boolean;
}

/** A topic's own name wins; else the first pattern that matches. */
export function createRetentionLookup(policies: RetentionPolicies): RetentionLookup {
  const exact = new Map<string, RetentionPolicy>();
  const patterns: RetentionPolicy[] = [];
  for (const policy of policies) {
    if (isPattern(policy.pattern)) patterns.push(policy);
    else exact.set(policy.pattern, policy);
  }
  const policyOf = (topic: string): RetentionPolicy | undefined =>
    exact.get(topic) ?? patterns.find((policy) => matchesPattern(policy.pattern, topic));
  return { policyOf, isHeld: (topic) => policyOf(topic)?.kind === 'until-handled' };
}

/** Whether a topic belongs to a filter. */
export interface TopicMatcher {
  /** The filter's only topic, if it is just that one name: then an index serves better than a test per message. */
  readonly only: string | undefined;
  matches(topic: string): boolean;
}

/** How many answers a matcher remembers before it starts anew. */
const maxRemembered = 10_000;

/** A matcher by the rules of `Filter`: names match themselves, patterns match what is not held. */
export function createTopicMatcher(filter: Filter, retention: Pick<RetentionLookup, 'isHeld'>): TopicMatcher {
  const names = new Set(filter.filter((entry) => !isPattern(entry)));
  const patterns = filter.filter(isPattern);
  if (patterns.length === 0) {
    return { only: names.size === 1 ? filter[0] : undefined, matches: (topic) => names.has(topic) };
  }
  const answers = new Map<string, boolean>();
  const matches = (topic: string): boolean => {
    const known = answers.get(topic);
    if (known !== undefined) return known;
    const answer =
      names.has(topic) || (patterns.some((pattern) => matchesPattern(pattern, topic)) && !retention.isHeld(topic));
    if (answers.size >= maxRemembered) answers.clear();
    answers.set(topic, answer);
    return answer;
  };
  return { only: undefined, matches };
}
