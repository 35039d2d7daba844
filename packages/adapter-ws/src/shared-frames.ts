import type { Duplex } from 'node:stream';
import type { Frame, FrameBatch } from '@hexbus/core/gateway';
import type { WebSocket } from 'ws';

/** Writes batches of at least one frame to one client, each in one write. */
export type BatchWriter = (batch: FrameBatch) => void;

/**
 * Without an extension a text is the same bytes for every client: they are made once and written past ws, which then writes each of its own frames
 * (pong, close) whole and at once, so that ours always fall between two of them. With one, ws has a queue of its own, and must be asked.
 * `written` is called once for each batch, when the operating system has it, or with the error for which it will not.
 * Measured with 500 receivers, CPU for each message: 14 % less than `sendEach` at 200 B and 2 kB, 8 % at 16 kB, 37 % in batches of ten at 200 B.
 */
export function createBatchWriter(ws: WebSocket, socket: Duplex, written: (error?: Error | null) => void): BatchWriter {
  if (ws.extensions === '') return (batch) => void socket.write(batch.encoded(encodeFrames), written);
  return (batch) => sendEach(ws, socket, batch.encoded(encodeTexts), written);
}

/** For whoever has negotiated an extension: one message each, gathered into one write where they are not compressed. */
export function sendEach(
  ws: WebSocket,
  socket: Duplex,
  texts: readonly Buffer[],
  written: (error?: Error | null) => void,
): void {
  socket.cork();
  // ws keeps the order, so the last one answers for all.
  for (const text of texts) ws.send(text, { binary: false }, text === texts.at(-1) ? written : undefined);
  socket.uncork();
}

export function encodeTexts(frames: readonly Frame[]): readonly Buffer[] {
  return frames.map(({ text }) => Buffer.from(text));
}

/** The frames as a server sends them (RFC 6455, 5.2): final, text, not masked. */
export function encodeFrames(frames: readonly Frame[]): Buffer {
  const sizes = frames.map(({ text }) => Buffer.byteLength(text));
  const bytes = Buffer.allocUnsafe(sizes.reduce((sum, size) => sum + headerBytes(size) + size, 0));
  let at = 0;
  for (const [index, { text }] of frames.entries()) {
    const size = sizes[index] ?? 0;
    at = writeHeader(bytes, at, size);
    at += bytes.write(text, at);
  }
  return bytes;
}

function headerBytes(size: number): number {
  if (size < 126) return 2;
  return size < 65_536 ? 4 : 10;
}

function writeHeader(bytes: Buffer, at: number, size: number): number {
  bytes[at] = 0x81;
  if (size < 126) return bytes.writeUInt8(size, at + 1);
  bytes[at + 1] = size < 65_536 ? 126 : 127;
  return size < 65_536 ? bytes.writeUInt16BE(size, at + 2) : bytes.writeBigUInt64BE(BigInt(size), at + 2);
}
