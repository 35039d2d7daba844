export interface FrameShape {
  readonly fin?: boolean;
  readonly rsv?: number;
  readonly masked?: boolean;
  /** What the header says, whatever the payload is. */
  readonly declared?: bigint;
}

/** A frame of a client, as RFC 6455 wants it or as the shape says. */
export function frame(opcode: number, payload: string | Buffer = '', shape: FrameShape = {}): Buffer {
  const { fin = true, rsv = 0, masked = true } = shape;
  const data = Buffer.from(payload);
  const size = shape.declared ?? BigInt(data.length);
  const first = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  const mask = masked ? 0x80 : 0;
  const short = size < 126n ? Number(size) : size < 65_536n ? 126 : 127;
  const length = Buffer.alloc(short < 126 ? 0 : short === 126 ? 2 : 8);
  if (short === 126) length.writeUInt16BE(Number(size));
  if (short === 127) length.writeBigUInt64BE(size);
  // A mask of zeros leaves the payload as it is.
  return Buffer.concat([Buffer.from([first, mask | short]), length, Buffer.alloc(masked ? 4 : 0), data]);
}

export interface ReceivedFrame {
  /** Of a text in parts: 1, then 0. */
  readonly opcode: number;
  readonly fin: boolean;
  readonly payload: Buffer;
}

/** The first frame of what a server sent; undefined while it is not whole. Throws for what no server may send. */
export function takeFrame(bytes: Buffer): { readonly frame: ReceivedFrame; readonly rest: Buffer } | undefined {
  if (bytes.length < 2) return undefined;
  const [first = 0, second = 0] = bytes;
  const fin = (first & 0x80) !== 0;
  const opcode = first & 0x0f;
  if ((first & 0x70) !== 0 || !(fin ? [0, 1, 8, 9, 10] : [0, 1]).includes(opcode))
    throw new Error(`no frame: ${first}`);
  if ((second & 0x80) !== 0) throw new Error('a server must not mask');
  const header = second < 126 ? 2 : second === 126 ? 4 : 10;
  if (bytes.length < header) return undefined;
  const size = second < 126 ? second : second === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (bytes.length < header + size) return undefined;
  return {
    frame: { opcode, fin, payload: bytes.subarray(header, header + size) },
    rest: bytes.subarray(header + size),
  };
}
