import { assertField, isObject } from '../../bus/checks.ts';
import type { ConnectionQuery } from '../../ports/registry.ts';

const fields: readonly string[] = [
  'connection',
  'session',
  'user',
  'capability',
] satisfies readonly (keyof ConnectionQuery)[];

/** Throws `HEXBUS_CONFIG` naming the field that is not valid: a query that is half filled in must not find everybody. */
export function assertQuery(query: unknown): asserts query is ConnectionQuery {
  assertField(isObject(query), 'query', query, `pass an object with any of ${fields.join(', ')}`);
  for (const [field, value] of Object.entries(query)) {
    assertField(fields.includes(field), `query.${field}`, value, `use any of ${fields.join(', ')}`);
    assertField(typeof value === 'string', `query.${field}`, value, 'use a text, or leave the field out');
  }
}
