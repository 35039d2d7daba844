import { maxSliceBytes, SliceQueue, type SliceWriter } from '@hexbus/core/gateway';
import { expect, it } from 'vitest';

/** Whose slices are their own sizes, and whose writes are done when the test says so. */
class SlowWriter implements SliceWriter<number> {
  isOpen = true;
  bufferedBytes = 0;
  /** What was in each write. */
  readonly writes: number[][] = [];
  #corked: number[] | undefined;
  #finish: (error?: Error | null) => void = () => {};

  sizeOf(slice: number): number {
    return slice;
  }

  cork(): void {
    this.#corked = [];
    this.writes.push(this.#corked);
  }

  uncork(): void {
    this.#corked = undefined;
  }

  write(slice: number, written?: (error?: Error | null) => void): void {
    if (this.#corked === undefined) this.writes.push([slice]);
    else this.#corked.push(slice);
    this.bufferedBytes += slice;
    this.#finish = (error) => {
      this.bufferedBytes = 0;
      written?.(error);
    };
  }

  finish(error?: Error): void {
    this.#finish(error);
  }
}

function slowQueue() {
  const writer = new SlowWriter();
  /** How many bytes waited whenever some more was written. */
  const told: number[] = [];
  const queue: SliceQueue<number> = new SliceQueue(writer, () => told.push(queue.bytes));
  return { writer, queue, told };
}

it('hands on at once what comes to an empty queue, and the rest in writes of no more than one slice, each when the one before is done', () => {
  const { writer, queue, told } = slowQueue();
  expect([queue.isEmpty, queue.bytes]).toEqual([true, 0]);
  queue.add([10]);
  queue.add([maxSliceBytes]);
  queue.add([20, 30]);
  expect([queue.isEmpty, queue.bytes]).toEqual([false, 10 + maxSliceBytes + 50]);
  expect(writer.writes).toEqual([[10]]);
  writer.finish();
  expect(writer.writes).toEqual([[10], [maxSliceBytes]]);
  writer.finish();
  expect(writer.writes).toEqual([[10], [maxSliceBytes], [20, 30]]);
  expect(queue.isEmpty).toBe(false);
  writer.finish();
  expect(queue.isEmpty).toBe(true);
  expect(told).toEqual([maxSliceBytes + 50, 50, 0]);
});

it('of many slices that are added together, no write holds more than one slice', () => {
  const { writer, queue } = slowQueue();
  queue.add([maxSliceBytes, maxSliceBytes / 2, maxSliceBytes / 2, 1]);
  while (!queue.isEmpty) writer.finish();
  expect(writer.writes).toEqual([[maxSliceBytes], [maxSliceBytes / 2, maxSliceBytes / 2], [1]]);
});

it('hands nothing to a writer that is closed, nor behind an error', () => {
  const { writer, queue, told } = slowQueue();
  queue.add([1]);
  queue.add([2]);
  writer.isOpen = false;
  writer.finish();
  expect([writer.writes, told]).toEqual([[[1]], [2]]);
  const broken = slowQueue();
  broken.queue.add([1]);
  broken.queue.add([2]);
  broken.writer.finish(new Error('reset'));
  expect([broken.writer.writes, broken.told]).toEqual([[[1]], []]);
});

it('forgets what waits when it is cleared; what is being written is not its own any more', () => {
  const { writer, queue } = slowQueue();
  queue.add([1]);
  queue.add([2, 3]);
  queue.clear();
  expect(queue.bytes).toBe(1);
  writer.finish();
  expect([queue.isEmpty, queue.bytes, writer.writes]).toEqual([true, 0, [[1]]]);
});
