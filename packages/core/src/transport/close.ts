/** How a link ended. */
export interface Close {
  readonly code: number;
  readonly reason: string;
}

/** A close as a WebSocket could tell it: other codes become 1011 (internal error), and reasons are cut between characters at 123 bytes. */
export function closeOf(code: number, reason: string): Close {
  return { code: isCloseCode(code) ? code : 1011, reason: shortReason(reason) };
}

/** Whether one side may tell the other that it ended with this code. */
export function isCloseCode(code: number): boolean {
  const standard = code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code);
  return Number.isInteger(code) && (standard || (code >= 3000 && code <= 4999));
}

const maxReasonBytes = 123;

function shortReason(reason: string): string {
  const bytes = new TextEncoder().encode(reason);
  if (bytes.length <= maxReasonBytes) return reason;
  let end = maxReasonBytes;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(0, end));
}
