import { assertTopic, busDefaults } from '@hexbus/core';
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
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    return { line, reason: `not JSON: ${(error as Error).message}` };
  }
  const type = typeOf(body);
  const topic = topicOf(type);
  // What the bus would refuse is told apart here, since a line that was published at an earlier start is not published again to find out.
  if (isDeeper(body, busDefaults.maxBodyDepth)) return { line, reason: 'nested too deeply for the body of a message' };
  try {
    assertTopic(topic);
  } catch (error) {
    return { line, reason: (error as Error).message };
  }
  return { line, topic, type, body };
}

function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some((inner) => isDeeper(inner, depth - 1));
}

function typeOf(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('type' in body)) return undefined;
  const { type } = body;
  if (typeof type === 'number') return String(type);
  // JSON can carry half of a surrogate pair, which is no text.
  return typeof type === 'string' && type !== '' ? type.replace(/\p{Cs}/gu, '\ufffd') : undefined;
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
