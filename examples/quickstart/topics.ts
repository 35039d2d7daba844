import type { TopicPolicy } from '@hexbus/core';

export type RecordTopic = `record.${string}`;

/** What one start leaves for the next one. */
export interface Note {
  readonly text: string;
}

/** The topics of this program and what is published to them. */
export type Events = Record<RecordTopic, unknown> & { readonly note: Note };

export const topics = {
  /** Kept for good, so that any subscription can begin anywhere. */
  'record.>': { retain: { maxCount: Number.POSITIVE_INFINITY } },
  /** Each note waits for its listener and is removed when it was handled. */
  note: { retain: 'until-handled' },
} as const satisfies Record<string, TopicPolicy>;
