import { HexbusError, shorten } from '../errors.ts';
import type { PublishOptions } from './api.ts';
import { isThenable } from './handler-runner.ts';
import { configError, type SchemaIssue, type SchemaResult, type StandardSchema } from './options.ts';
import type { TopicEntry } from './topic-table.ts';

/** The longest id, type or sender, in characters. */
const maxNameLength = 512;

/** Throws `HEXBUS_CONFIG` for a publish option that is none. */
export function checkPublishOptions(options: PublishOptions): void {
  for (const field of ['id', 'type', 'sender'] as const) {
    const value: unknown = options[field];
    if (value === undefined) continue;
    if (typeof value === 'string' && value.length > 0 && value.length <= maxNameLength) continue;
    throw configError(field, `is ${shorten(value)}`, `use 1 to ${maxNameLength} characters`);
  }
  const { headers } = options;
  if (headers === undefined) return;
  if (typeof headers !== 'object' || headers === null)
    throw configError('headers', `is ${shorten(headers)}`, 'use an object of texts');
  for (const [key, value] of Object.entries(headers)) {
    if (typeof value !== 'string') throw configError(`headers.${shorten(key)}`, `is ${shorten(value)}`, 'use texts');
  }
}

/** The body that the topic's schema makes of `body`. Throws `HEXBUS_INVALID_BODY` with the first issue. */
export function validateBody(entry: TopicEntry, body: unknown): unknown {
  if (entry.schema === undefined) return body;
  const result = validated(entry.topic, entry.schema, body);
  if (isThenable(result)) {
    Promise.resolve(result).catch(() => undefined);
    throw configError(
      `schema of ${shorten(entry.topic)}`,
      'answers with a promise',
      'use a validator that answers at once',
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
    throw new HexbusError(
      'HEXBUS_INVALID_BODY',
      `the schema of ${topic} threw instead of answering: ${shorten(cause)}; correct the schema`,
      { cause },
    );
  }
}

function pathOf(issue: SchemaIssue): string {
  return (issue.path ?? [])
    .map((step) => (typeof step === 'object' ? step.key : step))
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('');
}
