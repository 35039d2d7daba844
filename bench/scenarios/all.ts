import type { Scenario } from '../harness.ts';
import { emit } from './emit.ts';
import { manyTopics } from './many-topics.ts';
import { publish } from './publish.ts';
import { wildcard } from './wildcard.ts';

/** In the order of the results. */
export const scenarios: readonly Scenario[] = [emit, wildcard, publish, manyTopics];
