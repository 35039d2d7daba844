export interface Line {
  /** From 1. */
  readonly number: number;
  /** Without its line end. Undefined: the line was too long to be kept. */
  readonly bytes: Buffer | undefined;
}

const newline = 0x0a;

/** Splits a stream into lines, as many at a time as a chunk of it completes. A longer line than `maxBytes` takes no more memory than that. */
export async function* splitLines(chunks: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<readonly Line[]> {
  let number = 0;
  let parts: Buffer[] = [];
  let size = 0;

  const keep = (part: Buffer): void => {
    size += part.length;
    if (size > maxBytes) parts = [];
    else parts.push(part);
  };
  const complete = (): Line => {
    const bytes = size > maxBytes ? undefined : parts.length === 1 ? parts[0] : Buffer.concat(parts);
    number += 1;
    parts = [];
    size = 0;
    return { number, bytes };
  };

  for await (const chunk of chunks) {
    const lines: Line[] = [];
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      keep(chunk.subarray(start, end));
      lines.push(complete());
      start = end + 1;
    }
    if (start < chunk.length) keep(chunk.subarray(start));
    if (lines.length > 0) yield lines;
  }
  if (size > 0) yield [complete()];
}
