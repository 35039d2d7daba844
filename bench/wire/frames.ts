/** Called for each whole message in the bytes: it lies from `start` up to, but not including, `end`. */
export type SeeMessage = (bytes: Buffer, start: number, end: number) => void;

/** Cuts what comes over TCP into messages. Gives back what is left over, to be put before the next bytes. */
export type Cut = (bytes: Buffer, see: SeeMessage) => Buffer | undefined;

/** Frames of a WebSocket server: not masked, none in parts. */
export const cutFrames: Cut = (bytes, see) => {
  let at = 0;
  while (at + 2 <= bytes.length) {
    let size = (bytes[at + 1] as number) & 0x7f;
    let start = at + 2;
    if (size === 126) {
      if (at + 4 > bytes.length) break;
      size = bytes.readUInt16BE(at + 2);
      start = at + 4;
    } else if (size === 127) {
      if (at + 10 > bytes.length) break;
      size = Number(bytes.readBigUInt64BE(at + 2));
      start = at + 10;
    }
    if (start + size > bytes.length) break;
    see(bytes, start, start + size);
    at = start + size;
  }
  return at === bytes.length ? undefined : bytes.subarray(at);
};

export const cutLines: Cut = (bytes, see) => {
  let at = 0;
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, at)) {
    see(bytes, at, end);
    at = end + 1;
  }
  return at === bytes.length ? undefined : bytes.subarray(at);
};

/** Events of a stream that have data: each ends with an empty line. What HTTP puts between chunks stands before the next one. */
export const cutEvents: Cut = (bytes, see) => {
  let at = 0;
  for (let end = bytes.indexOf('\n\n'); end >= 0; end = bytes.indexOf('\n\n', at)) {
    const data = bytes.indexOf('data:', at);
    if (data >= 0 && data < end) see(bytes, at, end);
    at = end + 2;
  }
  return at === bytes.length ? undefined : bytes.subarray(at);
};

/** A text frame as a server sends it. */
export function serverFrame(text: string): Buffer {
  const body = Buffer.from(text);
  return Buffer.concat([header(body.length, 0), body]);
}

/** A text frame as a client sends it; its mask is zero, which changes nothing and is unmasked all the same. */
export function clientFrame(text: string): Buffer {
  const body = Buffer.from(text);
  return Buffer.concat([header(body.length, 0x80), Buffer.alloc(4), body]);
}

function header(size: number, masked: number): Buffer {
  if (size < 126) return Buffer.of(0x81, masked | size);
  if (size > 65_535) throw new Error(`a frame of ${size} bytes`);
  return Buffer.of(0x81, masked | 126, size >>> 8, size & 0xff);
}
