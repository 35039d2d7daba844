/** How a link ended. */
export interface End {
  readonly code: number;
  readonly reason: string;
}

/** An end as a WebSocket could tell it: other codes become 1011 (internal error), and long reasons are cut between characters. */
export function endOf(code: number, reason: string): End {
  return { code: isCloseCode(code) ? code : 1011, reason: shortReason(reason) };
}

/** Whether one side may tell the other that it ended with this code. */
export function isCloseCode(code: number): boolean {
  const standard = code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code);
  return Number.isInteger(code) && (standard || (code >= 3000 && code <= 4999));
}

const maxReasonBytes = 123;

function shortReason(reason: string): string {
  const bytes = Buffer.from(reason);
  if (bytes.length <= maxReasonBytes) return reason;
  let end = maxReasonBytes;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}
