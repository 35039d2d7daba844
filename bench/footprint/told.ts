/** What a program of this folder tells of itself. */
export interface Told {
  readonly port?: number;
  readonly residentBytes?: number;
  readonly heapBytes?: number;
}

/** Tells where the program listens, and then, each time it is asked, what it takes after a collection. */
export function tellFootprint(port: number): void {
  const tell = (told: Told): unknown => process.send?.(told);
  process.on('message', () => {
    // What is collected first may be what holds the rest.
    for (let time = 0; time < 3; time++) global.gc?.();
    const { rss, heapUsed, external } = process.memoryUsage();
    tell({ residentBytes: rss, heapBytes: heapUsed + external });
  });
  tell({ port });
}
