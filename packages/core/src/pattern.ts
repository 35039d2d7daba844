import { HexbusError, shorten } from './errors.ts';

/** The longest topic or pattern, in characters. */
export const maxTopicLength = 512;

/** Lone surrogates are no text: what encodes them makes one character of all. */
const topicForm = /^[^\s\p{Cc}\p{Cs}.*>]+(?:\.[^\s\p{Cc}\p{Cs}.*>]+)*$/u;

/** Throws `HEXBUS_INVALID_TOPIC` unless `topic` is dot-separated tokens without blanks, `*` or `>`. */
export function assertTopic(topic: unknown): asserts topic is string {
  if (typeof topic === 'string' && topic.length <= maxTopicLength && topicForm.test(topic)) return;
  throw invalid('topic', topic, 'tokens as in order.created, without blanks, * and >');
}

export function isPattern(entry: string): boolean {
  return entry.includes('*') || entry.includes('>');
}

/** Throws `HEXBUS_INVALID_TOPIC` unless `pattern` is a topic in which whole tokens may be `*`, and the last may be `>`. */
export function assertPattern(pattern: unknown): asserts pattern is string {
  if (typeof pattern === 'string' && pattern.length <= maxTopicLength) {
    const tokens = pattern.split('.');
    const valid = tokens.every(
      (token, index) => token === '*' || (token === '>' && index === tokens.length - 1) || topicForm.test(token),
    );
    if (valid) return;
  }
  throw invalid('pattern', pattern, '* for one whole token or > for the rest, as in order.* or order.>');
}

function invalid(kind: string, value: unknown, instead: string): HexbusError {
  return new HexbusError(
    'HEXBUS_INVALID_TOPIC',
    `${kind} ${shorten(value)} is not valid; use ${instead}, and at most ${maxTopicLength} characters`,
  );
}

function isWild(token: string): boolean {
  return token === '*' || token === '>';
}

/** Whether a first token is only matched by patterns that write it out. */
function isReserved(firstToken: string): boolean {
  return firstToken.startsWith('@');
}

/** Whether a valid topic falls under a valid pattern. `*` is one token, `>` one or more; neither matches a first token that begins with `@`. */
export function matchesPattern(pattern: string, topic: string): boolean {
  return agree(pattern.split('.'), topic.split('.'), false);
}

/** Whether some topic could fall under both patterns. Either may be a plain topic. */
export function patternsOverlap(left: string, right: string): boolean {
  return agree(left.split('.'), right.split('.'), true);
}

/** Two of these patterns that overlap, if any do. */
export function findOverlap(patterns: readonly string[]): readonly [string, string] | undefined {
  // Each is taken apart once: they are compared with each other, and may be a stranger's.
  const split = patterns.map((pattern) => pattern.split('.'));
  for (const [index, one] of split.entries()) {
    for (let before = 0; before < index; before++) {
      const other = split[before] as string[];
      if (agree(other, one, true)) return [other.join('.'), one.join('.')];
    }
  }
  return undefined;
}

/** Compares token by token. `mutual`: wildcards on the right count too; else it is taken as it is written. */
function agree(left: readonly string[], right: readonly string[], mutual: boolean): boolean {
  for (let index = 0; ; index++) {
    const x = left[index];
    const y = right[index];
    if (x === undefined || y === undefined) return x === y;
    const xIsWild = isWild(x);
    const yIsWild = mutual && isWild(y);
    if (index === 0 && ((xIsWild && isReserved(y)) || (yIsWild && isReserved(x)))) return false;
    if (x === '>' || (yIsWild && y === '>')) return true;
    if (!xIsWild && !yIsWild && x !== y) return false;
  }
}
