import { HexbusError, parseBounded, wireLimits } from '@hexbus/core/wire';

/** UTF-8 takes at most so many bytes for one UTF-16 unit. */
const bytesPerUnit = 3;

/** Throws `HEXBUS_BODY_TOO_LARGE` or `HEXBUS_INVALID_BODY` for a frame that a gateway would hang up at. */
export function assertFrame(frame: string): void {
  const { maxFrameBytes, maxDepth } = wireLimits;
  const bytes = frame.length * bytesPerUnit <= maxFrameBytes ? 0 : new TextEncoder().encode(frame).length;
  if (bytes > maxFrameBytes) {
    const what = `the frame takes ${bytes} bytes, more than ${maxFrameBytes}; send a reference to its body`;
    throw new HexbusError('HEXBUS_BODY_TOO_LARGE', what);
  }
  if (parseBounded(frame) === undefined)
    throw new HexbusError('HEXBUS_INVALID_BODY', `the body nests deeper than ${maxDepth}; send flatter data`);
}
