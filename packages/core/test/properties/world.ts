import {
  type Bus,
  type createBus,
  type Head,
  type HistoryStore,
  type Located,
  type LocateQuery,
  type OpenHistoryOptions,
  parseCursor,
  type Randomness,
  type TopicPolicy,
  type WriteBatch,
  type WriteResult,
} from '@hexbus/core';
import { createSeededRandomness } from '@hexbus/testkit';
import type { Scheduler } from 'fast-check';
import { resolveBusOptions } from '../../src/bus/options.ts';
import { retentionPolicies } from '../../src/bus/subscriptions.ts';
import { Checks, PropertyViolation } from './checks.ts';
import { CommandRunner } from './command-runner.ts';
import type { Issued } from './commands.ts';
import { HeldAudit } from './held-audit.ts';
import { Ledger } from './ledger.ts';
import { Life } from './life.ts';
import { Listener, type LogEntry } from './listener.ts';
import type { Place, PlaceMaker } from './places.ts';
import { PublishAudit } from './publishes.ts';
import { Schedule, SimulatedTime } from './schedule.ts';
import { type Fault, type HistoryEvents, ScheduledHistory } from './scheduled-history.ts';
