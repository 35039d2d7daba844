/** What a page sends may be anything. Each of these gives it a type, or throws. */

export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  throw new TypeError('not an object');
}

export function textOf(value: unknown): string {
  if (typeof value === 'string' && value.length > 0 && value.length <= 500) return value;
  throw new TypeError('not a text of 1 to 500 characters');
}

export function numberOf(value: unknown, min: number, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  throw new TypeError(`not a whole number from ${min} to ${max}`);
}

export function choiceOf(value: unknown, isOne: (text: string) => boolean): string {
  const text = textOf(value);
  if (isOne(text)) return text;
  throw new TypeError('none of those that there are');
}
