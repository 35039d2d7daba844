import type { CursorParts } from '../../cursor.ts';
import type { RetainedMessage } from '../../message.ts';
import type { HandlerRunner } from './handler-runner.ts';
import type { Reports } from './reports.ts';

/** What feeds a subscription from an open history. Used once: begun, and ended. */
export interface Lane {
  /** Undefined until the start is resolved, and where the history keeps none. */
  readonly cursor?: CursorParts | undefined;
  /** Resolves with the start. Rejects when there will be none. */
  begin(): Promise<CursorParts>;
  /** Absent where messages come another way, as its doubts do. */
  push?(message: RetainedMessage): void;
  doubt?(): void;
  caughtUp(): Promise<void>;
  /** No further call starts. Resolves when the running one has ended and the cursor is committed. */
  end(): Promise<void>;
}

/** How a lane has its messages handled, and whom it tells. */
export interface LaneHandling {
  readonly runner: HandlerRunner;
  readonly reports: Reports;
}
