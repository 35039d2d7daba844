import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, type Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { addAbortSignal, type Readable } from 'node:stream';
import { busDefaults } from '@hexbus/core';
import { shippedInput } from './arguments.ts';
import { type Line, splitLines } from './lines.ts';

/** What is read. */
export interface Input {
  /** What the user calls it. */
  readonly name: string;
  /** The same at every start for the same content of a file; another one for each pipe, which cannot be read again. */
  readonly id: string;
  /** Many lines at a time, as fast as they come. */
  readonly lines: AsyncIterable<readonly Line[]>;
}

/** Large enough that a burst of lines fills a commit. */
const chunkBytes = 256 * 1024;

/** Opens a file, `-` for standard input, or without `path` what is piped in, else the shipped file. `signal` ends the reading. */
export async function openInput(path: string | undefined, signal: AbortSignal): Promise<Input> {
  if (path === '-') return piped('standard input', process.stdin, signal);
  if (path !== undefined) return openPath(path, signal);
  if (await somethingIsPiped(signal)) return piped('standard input', process.stdin, signal);
  return openPath(shippedInput, signal);
}

async function openPath(path: string, signal: AbortSignal): Promise<Input> {
  const found: Stats = await stat(path);
  if (found.isDirectory()) throw new Error(`${path} is a directory; give the path of a file`);
  const name = basename(path);
  if (!found.isFile()) return piped(name, createReadStream(path), signal);
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: chunkBytes, signal })) {
    hash.update(chunk as Buffer);
    size += (chunk as Buffer).length;
  }
  const id = hash.digest('hex').slice(0, 16);
  if (size === 0) return { name, id, lines: splitLines(noChunks(), 0) };
  // What is appended meanwhile does not belong to the content that was hashed.
  const content = createReadStream(path, { highWaterMark: chunkBytes, end: size - 1, signal });
  return { name, id, lines: splitLines(content, busDefaults.maxBodyBytes) };
}

function piped(name: string, stream: Readable, signal: AbortSignal): Input {
  const id = `pipe-${randomBytes(6).toString('hex')}`;
  return { name, id, lines: splitLines(addAbortSignal(signal, stream), busDefaults.maxBodyBytes) };
}

async function* noChunks(): AsyncGenerator<Buffer> {}

/** Not where standard input is a terminal, closed, `/dev/null` or an empty pipe, as under a scheduler. */
async function somethingIsPiped(signal: AbortSignal): Promise<boolean> {
  const { stdin } = process;
  if (stdin.isTTY) return false;
  const hint = setTimeout(() => {
    process.stderr.write('Waiting for standard input. To read a file instead: npm run quickstart -- --input FILE\n');
  }, 1_500);
  try {
    return await new Promise<boolean>((resolve, reject) => {
      stdin.once('readable', () => resolve(stdin.readableLength > 0));
      stdin.once('end', () => resolve(false));
      stdin.once('error', reject);
      // Then whoever reads it finds that it was given up.
      signal.addEventListener('abort', () => resolve(true));
    });
  } finally {
    clearTimeout(hint);
  }
}
