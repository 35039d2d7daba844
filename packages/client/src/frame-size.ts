import { HexbusError, wireLimits } from '@hexbus/core/wire';

/** UTF-8 takes at most so many bytes for one UTF-16 unit. */
const bytesPerUnit = 3;

/** Throws `HEXBUS_BODY_TOO_LARGE` for a frame that a gateway would hang up at. */
export function assertFrameSize(frame: string): void {
  const { maxFrameBytes } = wireLimits;
  if (frame.length * bytesPerUnit <= maxFrameBytes) return;
  const bytes = new TextEncoder().encode(frame).length;
  if (bytes <= maxFrameBytes) return;
  throw new HexbusError(
    'HEXBUS_BODY_TOO_LARGE',
    `the frame takes ${bytes} bytes, more than ${maxFrameBytes}; send a reference to its body`,
  );
}
