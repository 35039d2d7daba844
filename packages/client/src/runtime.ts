import type { Clock } from '@hexbus/core';
import type { HandlingSettings } from '@hexbus/core/wire';
import type { Answers } from './answers.ts';
import type { Backlog } from './backlog.ts';
import type { ClientObservers } from './observers.ts';
import type { ClientSettings } from './options.ts';
import type { Progress } from './progress.ts';

/** What all parts of one client share. */
export interface Runtime {
  readonly settings: ClientSettings;
  readonly clock: Clock;
  readonly handling: HandlingSettings;
  readonly observers: ClientObservers;
  readonly backlog: Backlog;
  readonly progress: Progress;
  readonly answers: Answers;
}
