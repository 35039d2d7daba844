import type { Line } from './lines.ts';
import type { RecordTopic } from './topics.ts';

/** A line that was understood. */
export interface InputRecord {
  readonly line: number;
  readonly topic: RecordTopic;
  readonly type: string | undefined;
  readonly body: unknown;
}

/** A line that was not, and why. */
export interface BadLine {
  readonly line: number;
  readonly reason: string;
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Undefined for a blank line. */
export function parseLine({ number: line, bytes }: Line): InputRecord | BadLine | undefined {
  if (bytes === undefined) return { line, reason: 'too long for the body of a message' };
  let text: string;
  try {
    text = decoder.decode(bytes).trim();
  } catch {
    return { line, reason: 'not UTF-8' };
  }
  if (text === '') return undefined;
  try {
    const body: unknown = JSON.parse(text);
    const type = typeOf(body);
    return { line, topic: topicOf(type), type, body };
  } catch (error) {
    return { line, reason: `not JSON: ${(error as Error).message}` };
  }
}

function typeOf(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('type' in body)) return undefined;
  const { type } = body;
  return (typeof type === 'string' && type !== '') || typeof type === 'number' ? String(type) : undefined;
}

const plainType = /^[\p{L}\p{N}_-]+(?:\.[\p{L}\p{N}_-]+)*$/u;

/** A type that could be misread as tokens or a pattern becomes one token: `a b` is `record.a%20b`. */
function topicOf(type = 'untyped'): RecordTopic {
  return `record.${plainType.test(type) ? type : percentEncoded(type)}`;
}

function percentEncoded(text: string): string {
  return text.replace(/[^\p{L}\p{N}_-]/gu, (character) =>
    Array.from(Buffer.from(character), (byte) => `%${byte.toString(16).padStart(2, '0').toUpperCase()}`).join(''),
  );
}
