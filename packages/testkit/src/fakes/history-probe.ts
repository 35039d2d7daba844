import type { HistoryStore } from '@hexbus/core';

type Verb = 'open' | 'write' | 'read' | 'locate' | 'loadCursor' | 'summarize';

/** A history that does what another one does, except where the test wants trouble. */
export interface HistoryProbe {
  /** Give this one to the bus. */
  readonly store: HistoryStore;
  /** Every call that was made, by its verb, in order. */
  readonly calls: readonly string[];
  /**
   * The next call of `verb` rejects with `error`: `before` it has done anything, or `after` it took effect, as when an answer is lost.
   * Several calls of `failNext` and `holdNext` wait in line.
   */
  failNext(verb: Verb, error: Error, when?: 'before' | 'after'): void;
  /** The next call of `verb` takes effect at once, and is answered when the function that this returns is called. */
  holdNext(verb: Verb): () => void;
}

type Trouble = (proceed: () => Promise<unknown>) => Promise<unknown>;

/** Wraps a history, to fail or hold its answers. */
export function createHistoryProbe(inner: HistoryStore): HistoryProbe {
  const calls: string[] = [];
  const troubles = new Map<Verb, Trouble[]>();
  const expect = (verb: Verb, trouble: Trouble): void =>
    void troubles.set(verb, [...(troubles.get(verb) ?? []), trouble]);

  async function pass<Result>(verb: Verb, proceed: () => Promise<Result>): Promise<Result> {
    calls.push(verb);
    const trouble = troubles.get(verb)?.shift();
    return trouble === undefined ? proceed() : (trouble(proceed) as Promise<Result>);
  }

  return {
    calls,
    store: {
      name: inner.name,
      capabilities: inner.capabilities,
      open: (options) => pass('open', () => inner.open(options)),
      write: (batch) => pass('write', () => inner.write(batch)),
      read: (query) => pass('read', () => inner.read(query)),
      locate: (query) => pass('locate', () => inner.locate(query)),
      loadCursor: (name) => pass('loadCursor', () => inner.loadCursor(name)),
      summarize: (topic) => pass('summarize', () => inner.summarize(topic)),
      close() {
        calls.push('close');
        return inner.close();
      },
    },
    failNext: (verb, error, when = 'before') =>
      expect(verb, async (proceed) => {
        if (when === 'after') await proceed();
        throw error;
      }),
    holdNext(verb) {
      let release = (): void => {};
      const released = new Promise<void>((resolve) => {
        release = resolve;
      });
      expect(verb, async (proceed) => {
        const answer = proceed();
        await released;
        return answer;
      });
      return release;
    },
  };
}
