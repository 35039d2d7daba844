import { isText } from '../bus/checks.ts';
import { maxNameLength } from '../bus/publishing/publish-checks.ts';
import type { MessageRoute, SourceMessage } from './api.ts';

/**
 * The id of a message in the bus. The source's is unique only among those of one topic and type, of which several may meet in one topic of the bus. What is no id stays
 * as it is, and is refused by the bus.
 */
export function busIdOf({ type }: MessageRoute, { id, topic }: SourceMessage): string | undefined {
  if (!isText(id, maxNameLength)) return id;
  const origin = typeof topic === 'string' && topic !== type ? [topic, type] : [type];
  return JSON.stringify([...origin, id]);
}
