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
