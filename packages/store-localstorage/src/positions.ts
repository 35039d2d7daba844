/** Positions as they are listed in little room: each by itself, or the first and the last of several in a row. */
export type Positions = readonly (number | readonly [first: number, last: number])[];

export function packPositions(positions: Iterable<number>): Positions {
  const packed: (number | [number, number])[] = [];
  for (const position of [...positions].sort((a, b) => a - b)) {
    const run = packed.at(-1);
    if (run === undefined || position !== lastOf(run) + 1) packed.push(position);
    else packed[packed.length - 1] = [firstOf(run), position];
  }
  return packed;
}

export function unpackPositions(packed: Positions): number[] {
  return packed.flatMap((run) =>
    Array.from({ length: lastOf(run) - firstOf(run) + 1 }, (_, index) => firstOf(run) + index),
  );
}

function firstOf(run: Positions[number]): number {
  return typeof run === 'number' ? run : run[0];
}

function lastOf(run: Positions[number]): number {
  return typeof run === 'number' ? run : run[1];
}
