import type { From } from '@hexbus/core';
import {
  assertPattern,
  assertTopic,
  configError,
  formatCursor,
  isName,
  isPrintable,
  parseFrom,
  type WireFrom,
  wireLimits,
} from '@hexbus/core/wire';

// A gateway hangs up for good at what breaks the protocol, so one wrong argument must not get there.

/** Throws `HEXBUS_CONFIG` for what cannot be a name, type, message id or capability on the wire. */
export function checkName(field: string, value: unknown): void {
  if (!isName(value)) throw configError(field, value, `use a text of 1 to ${wireLimits.maxNameBytes} printable bytes`);
}

/** Throws `HEXBUS_INVALID_TOPIC`, or `HEXBUS_CONFIG` for a topic that is too long for the wire. */
export function checkTopic(topic: unknown): void {
  assertTopic(topic);
  checkTopicBytes(topic);
}

/** The same for what may be a pattern. */
export function checkPattern(pattern: unknown): void {
  assertPattern(pattern);
  checkTopicBytes(pattern);
}

function checkTopicBytes(topic: string): void {
  const { maxTopicBytes } = wireLimits;
  if (!isPrintable(topic, maxTopicBytes))
    throw configError('topic', topic, `use at most ${maxTopicBytes} printable bytes`);
}

/** `from` as the wire has it. Throws `HEXBUS_CONFIG` or `HEXBUS_INVALID_CURSOR`. */
export function wireFrom(from: From): WireFrom {
  const start = parseFrom(from);
  if (start === 'now') return start;
  if ('epoch' in start) return { after: formatCursor(start.epoch, start.position) };
  return 'earliest' in start ? 'earliest' : start;
}

/** Throws `HEXBUS_CONFIG` for less than `least`, and for what is no number. `Infinity` is one. */
export function checkNumber(field: string, value: unknown, least: number): void {
  if (typeof value !== 'number' || !(value >= least))
    throw configError(field, value, `use a number from ${least}, or Infinity`);
}
