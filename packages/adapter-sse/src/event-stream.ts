import { type Frame, maxSliceBytes } from '@hexbus/core/gateway';

/**
 * Frames as a client of an event stream reads them (WHATWG HTML, 9.2): one event each, whatever is in them. The bytes are the same for every
 * client, so they are made once; each slice is at most `maxSliceBytes`, and ends anywhere.
 */
export function encodeFrames(frames: readonly Frame[]): readonly Buffer[] {
  const bytes = Buffer.from(frames.map(eventOf).join(''));
  if (bytes.length <= maxSliceBytes) return [bytes];
  const count = Math.ceil(bytes.length / maxSliceBytes);
  return Array.from({ length: count }, (_, n) => bytes.subarray(n * maxSliceBytes, (n + 1) * maxSliceBytes));
}

/** One event. An id, name or pause that could be read as something else is left out. */
export function eventOf({ text, cursor, event, retryMs }: Frame): string {
  const id = cursor !== undefined && isName(cursor) ? `id: ${cursor}\n` : '';
  const name = event !== undefined && isName(event) ? `event: ${event}\n` : '';
  const retry = retryMs === undefined ? '' : retryOf(retryMs);
  return `${id}${name}${retry}${dataOf(text)}\n`;
}

/** From now on the client waits so long before it comes back. */
export function retryOf(retryMs: number): string {
  return Number.isSafeInteger(retryMs) && retryMs >= 0 ? `retry: ${retryMs}\n` : '';
}

/** A line that says nothing. */
export const comment = ':\n';

/** A client joins its lines by LF, so of CR and CRLF it gets that there was a break. */
function dataOf(text: string): string {
  return `data: ${/[\r\n]/.test(text) ? text.replace(/\r\n|\r|\n/g, '\ndata: ') : text}\n`;
}

function isName(text: string): boolean {
  return /^[\x21-\x7e]{1,128}$/.test(text);
}
