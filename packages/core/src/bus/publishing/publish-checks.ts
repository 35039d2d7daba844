import { HexbusError, shorten } from '../../errors.ts';
import type { PublishOptions } from '../api.ts';
import { assertField, assertSignal, assertText, isObject, isThenable } from '../checks.ts';
import type { SchemaIssue, SchemaResult, StandardSchema } from '../options.ts';
import type { TopicEntry } from '../topic-table.ts';

/** The longest id, type or sender, in characters. */
export const maxNameLength = 512;

/** Throws `HEXBUS_CONFIG` for a publish option that is none. */
export function checkPublishOptions(options: PublishOptions): void {
  for (const field of ['id', 'type', 'sender'] as const) {
    if (options[field] !== undefined) assertText(field, options[field], maxNameLength);
  }
  const { headers, signal } = options;
  if (signal !== undefined) assertSignal(signal);
  if (headers === undefined) return;
  // A Map or Headers would be stored as an object without entries.
  const isIterable = isObject(headers) && Symbol.iterator in headers;
  assertField(isObject(headers) && !isIterable, 'headers', headers, 'use an object of texts');
  for (const [key, value] of Object.entries(headers)) {
    assertField(typeof value === 'string', `headers.${shorten(key)}`, value, 'use a text');
  }
}

/** The body that the topic's schema makes of `body`. Throws `HEXBUS_INVALID_BODY` with the first issue. */
export function validateBody(entry: TopicEntry, body: unknown): unknown {
  if (entry.schema === undefined) return body;
  const result = validated(entry.topic, entry.schema, body);
  if (isThenable(result)) {
    Promise.resolve(result).catch(() => undefined);
    throw new HexbusError(
      'HEXBUS_CONFIG',
      `schema of ${shorten(entry.topic)} answers with a promise; use one that answers at once`,
    );
  }
  if (result.issues === undefined) return result.value;
  const issue = result.issues[0];
  throw new HexbusError(
    'HEXBUS_INVALID_BODY',
    `body${issue === undefined ? '' : pathOf(issue)} of ${entry.topic} does not fit its schema: ${shorten(issue?.message ?? 'refused')}`,
  );
}

function validated(topic: string, schema: StandardSchema, body: unknown): SchemaResult | Promise<SchemaResult> {
  try {
    return schema['~standard'].validate(body);
  } catch (cause) {
    throw new HexbusError('HEXBUS_INVALID_BODY', `schema of ${topic} threw: ${shorten(cause)}; correct it`, { cause });
  }
}

function pathOf(issue: SchemaIssue): string {
  return (issue.path ?? [])
    .map((step) => (typeof step === 'object' ? step.key : step))
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('');
}
