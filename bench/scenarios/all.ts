import type { Scenario } from '../harness.ts';
import { emit } from './emit.ts';
import { manyTopics } from './many-topics.ts';
import { memoryPush, memoryRead } from './memory-history.ts';
import { publish } from './publish.ts';
import { sleeping } from './sleeping-listener.ts';
import { sqliteAppend, sqliteAppendTopics } from './sqlite-append.ts';
import { sqliteReplay } from './sqlite-replay.ts';
import { wildcard } from './wildcard.ts';

/** In the order of the results. */
export const scenarios: readonly Scenario[] = [
  emit,
  wildcard,
  publish,
  manyTopics,
  sqliteAppend,
  sqliteAppendTopics,
  sqliteReplay,
  memoryPush,
  memoryRead,
  sleeping,
];
