import type { HistoryStore } from '@hexbus/core';
import { createMemoryHistory, type MemoryHistoryOptions } from '@hexbus/store-memory';

/** A place whose history outlives the stores that open it, one after the other, as a file does. */
export interface DurablePlace {
  /** An idle store of this place; the one before must be closed. */
  store(): HistoryStore;
}

export function createDurablePlace(options: MemoryHistoryOptions = {}): DurablePlace {
  const inner = createMemoryHistory(options);
  let opening: ReturnType<HistoryStore['open']> | undefined;
  let inUse = false;

  async function headNow(first: Awaited<NonNullable<typeof opening>>): Promise<typeof first> {
    const { epoch } = first;
    const { head } = await inner.write({ epoch, append: [], settle: [], commitCursors: [], deleteCursors: [] });
    return { epoch, position: head };
  }

  function store(): HistoryStore {
    return {
      name: 'place',
      capabilities: { durable: true },
      async open(openOptions) {
        if (inUse) throw new Error('this place is in use');
        inUse = true;
        opening ??= inner.open(openOptions);
        return headNow(await opening);
      },
      write: (batch) => inner.write(batch),
      read: (query) => inner.read(query),
      locate: (query) => inner.locate(query),
      loadCursor: (name) => inner.loadCursor(name),
      summarize: (topic) => inner.summarize(topic),
      async close() {
        inUse = false;
      },
    };
  }

  return { store };
}
