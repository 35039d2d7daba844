import { HexbusError, parseBounded, utf8Length, wireLimits } from '@hexbus/core/wire';

/** Whether a gateway takes so long a frame. */
export function fitsFrame(frame: string): boolean {
  return utf8Length(frame) <= wireLimits.maxFrameBytes;
}

/** Throws `HEXBUS_BODY_TOO_LARGE` or `HEXBUS_INVALID_BODY` for a frame that a gateway would hang up at. */
export function assertFrame(frame: string): void {
  const { maxFrameBytes, maxDepth } = wireLimits;
  if (!fitsFrame(frame)) {
    const what = `the frame takes ${utf8Length(frame)} bytes, more than ${maxFrameBytes}; send a reference to its body`;
    throw new HexbusError('HEXBUS_BODY_TOO_LARGE', what);
  }
  if (parseBounded(frame) === undefined)
    throw new HexbusError('HEXBUS_INVALID_BODY', `the body nests deeper than ${maxDepth}; flatten it`);
}
