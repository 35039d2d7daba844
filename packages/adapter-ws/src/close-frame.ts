/** A code that may stand in a close frame: `code`, or 1011 (internal error) if it is none. */
export function closeCode(code: number): number {
  const standard = code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code);
  return Number.isInteger(code) && (standard || (code >= 3000 && code <= 4999)) ? code : 1011;
}

const maxReasonBytes = 123;

/** As much of the reason as a close frame can hold, cut between characters. */
export function closeReason(reason: string): string {
  if (Buffer.byteLength(reason) <= maxReasonBytes) return reason;
  const bytes = Buffer.from(reason);
  let end = maxReasonBytes;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}

const violations: Readonly<Record<string, number>> = {
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: 1009,
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1009,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 1008,
  WS_ERR_INVALID_UTF8: 1007,
};

/** The code with which ws closes after one of its errors; undefined for errors of the socket. */
export function violationCode(error: Error): number | undefined {
  const { code } = error as { code?: unknown };
  if (typeof code !== 'string') return undefined;
  if (code.startsWith('Z_')) return 1007;
  return code.startsWith('WS_ERR_') ? (violations[code] ?? 1002) : undefined;
}
