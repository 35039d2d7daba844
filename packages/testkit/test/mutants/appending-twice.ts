import type { AppendResult, NewMessage } from '@hexbus/core';
import { DurableMinimal } from '../durable-minimal.ts';

/** Appends every message twice, and tells of one. */
export class AppendingTwice extends DurableMinimal {
  protected override append(message: NewMessage): AppendResult {
    super.append({ ...message, deduplicate: false });
    return super.append(message);
  }
}
