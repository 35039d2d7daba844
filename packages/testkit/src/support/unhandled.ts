import { systemClock } from '@hexbus/core';

interface ProcessEvents {
  on(event: 'unhandledRejection', listener: (reason: unknown) => void): unknown;
  off(event: 'unhandledRejection', listener: (reason: unknown) => void): unknown;
}

interface RejectionEvent {
  readonly reason: unknown;
}

interface PageEvents {
  addEventListener(event: 'unhandledrejection', listener: (event: RejectionEvent) => void): void;
  removeEventListener(event: 'unhandledrejection', listener: (event: RejectionEvent) => void): void;
}

/** A promise that is awaited later, or never if a check before it fails: either way somebody listens to its rejection. */
export function heard<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

/** Runs `action` and returns the reasons of promises that rejected meanwhile with nobody listening. Works in Node and in pages. */
export async function unhandledDuring(action: () => Promise<void>): Promise<readonly unknown[]> {
  const reasons: unknown[] = [];
  const stop = listen((reason) => reasons.push(reason));
  try {
    await action();
    // They are reported after the macrotask in which they were found.
    for (let turn = 0; turn < 3; turn++) await new Promise<void>((resolve) => systemClock.nextTurn(resolve));
  } finally {
    stop();
  }
  return reasons;
}

function listen(found: (reason: unknown) => void): () => void {
  const scope = globalThis as unknown as { process?: Partial<ProcessEvents> } & Partial<PageEvents>;
  const node = scope.process;
  if (node?.on !== undefined && node.off !== undefined) {
    const events = node as ProcessEvents;
    events.on('unhandledRejection', found);
    return () => void events.off('unhandledRejection', found);
  }
  if (scope.addEventListener === undefined) return () => {};
  const page = scope as PageEvents;
  const listener = (event: RejectionEvent): void => found(event.reason);
  page.addEventListener('unhandledrejection', listener);
  return () => page.removeEventListener('unhandledrejection', listener);
}
