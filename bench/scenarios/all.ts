import type { Scenario } from '../harness.ts';
import { askClient } from './ask-client.ts';
import { emit } from './emit.ts';
import { fanOut100, fanOut1000 } from './fan-out.ts';
import { idleConnections } from './idle-connections.ts';
import { imports } from './imports.ts';
import { manyTopics } from './many-topics.ts';
import { memoryPush, memoryRead } from './memory-history.ts';
import { publish } from './publish.ts';
import { resume } from './resume.ts';
import { shutdown } from './shutdown.ts';
import { sleeping } from './sleeping-listener.ts';
import { slowClient } from './slow-client.ts';
import { sqliteAppend, sqliteAppendTopics } from './sqlite-append.ts';
import { sqliteReplay } from './sqlite-replay.ts';
import { sseFanOut100, sseFanOut1000 } from './sse-fan-out.ts';
import { sseResume } from './sse-resume.ts';
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
  fanOut100,
  fanOut1000,
  askClient,
  resume,
  sseFanOut100,
  sseFanOut1000,
  sseResume,
  idleConnections,
  slowClient,
  shutdown,
  imports,
];
