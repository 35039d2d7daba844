/** What the listeners of all contestants are given. */
export interface Note {
  readonly topic: string;
  readonly body: { readonly step: number };
}

/** Where listeners add up what they saw, so that no call can be optimised away, and each is counted. */
export interface Sink {
  sum: number;
}

export type NoteListener = (message: { readonly body: unknown }) => void;

export const note: Note = { topic: 'order.created', body: { step: 1 } };

/** Listeners with code of their own each, as in a program: closures of one function would be compiled into the loop that calls them. */
export function distinctListeners(count: number, sink: Sink): NoteListener[] {
  return Array.from({ length: count }, (_, index) => {
    const text = `return function listener${index}(message) { sink.sum += message.body.step; }`;
    return new Function('sink', text)(sink) as NoteListener;
  });
}

/** Throws unless the listeners were called so often. */
export function expectSum(sink: Sink, expected: number): void {
  if (sink.sum !== expected) throw new Error(`the listeners were called ${sink.sum} times, not ${expected}`);
}
