import { type Bus, isHexbusError, type Receipt } from '@hexbus/core';
import type { Input } from './input.ts';
import { type BadLine, type InputRecord, parseLine } from './record.ts';
import type { Events, RecordTopic } from './topics.ts';

export interface Published {
  /** Good records of the input, those published at earlier starts included. */
  readonly records: number;
  readonly bad: number;
  /** At this start. */
  readonly published: number;
  readonly byTopic: ReadonlyMap<RecordTopic, number>;
  /** The last line that was in the history before this start, 0 for none. */
  readonly resumedAfter: number;
}

export interface PublishCallbacks {
  onBadLine(bad: BadLine): void;
  onProgress(published: number): void;
}

/** Publishes each record of the input that is not in the history yet, in order, until the input ends or `signal` is aborted. */
export async function publishInput(
  bus: Bus<Events>,
  input: Input,
  { onBadLine, onProgress }: PublishCallbacks,
  signal: AbortSignal,
): Promise<Published> {
  const resumedAfter = await lastPublishedLine(bus, input.id);
  const byTopic = new Map<RecordTopic, number>();
  let records = 0;
  let bad = 0;
  let published = 0;

  const refuse = (badLine: BadLine): void => {
    bad += 1;
    onBadLine(badLine);
  };

  try {
    for await (const lines of input.lines) {
      if (signal.aborted) break;
      const fresh: InputRecord[] = [];
      for (const line of lines) {
        const parsed = parseLine(line);
        if (parsed === undefined) continue;
        if ('reason' in parsed) refuse(parsed);
        else if (parsed.line > resumedAfter) fresh.push(parsed);
        else records += 1;
      }
      // Published without waiting for each other, so that they share a commit; awaited before more is read, so that memory is bounded.
      const results = await Promise.allSettled(fresh.map((record) => publishRecord(bus, input, record)));
      for (const [index, result] of results.entries()) {
        const { line, topic } = fresh[index] as InputRecord;
        if (result.status === 'rejected') {
          refuse({ line, reason: reasonOf(result.reason) });
          continue;
        }
        records += 1;
        if (result.value.duplicate) continue;
        published += 1;
        byTopic.set(topic, (byTopic.get(topic) ?? 0) + 1);
      }
      onProgress(published);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return { records, bad, published, byTopic, resumedAfter };
}

function publishRecord(bus: Bus<Events>, input: Input, { line, topic, type, body }: InputRecord): Promise<Receipt> {
  const { id, name: sender } = input;
  return bus.publish(topic, body, { id: `${id}:${line}`, sender, ...(type === undefined ? {} : { type }) });
}

/** Where to go on is in the history itself: records are published in the order of their lines, so the last one tells. */
async function lastPublishedLine(bus: Bus<Events>, inputId: string): Promise<number> {
  let page = await bus.read('record.>', { last: 1 });
  while (page.messages.length > 0) {
    const last = page.messages.findLast(({ id }) => id.startsWith(`${inputId}:`));
    if (last !== undefined) return lineOf(last.id);
    // Another input came in between.
    page = await bus.read('record.>', { before: page.start, limit: 1_000 });
  }
  return 0;
}

/** The line of a record, from the id of its message. */
export function lineOf(id: string): number {
  return Number(id.slice(id.lastIndexOf(':') + 1));
}

/** What is wrong with the record, or throws what is wrong with the history. */
function reasonOf(error: unknown): string {
  const isAboutRecord =
    isHexbusError(error, 'HEXBUS_INVALID_BODY') ||
    isHexbusError(error, 'HEXBUS_BODY_TOO_LARGE') ||
    isHexbusError(error, 'HEXBUS_INVALID_TOPIC');
  if (!isAboutRecord) throw error;
  return error.message;
}
