import type { Message } from '../message.ts';
import type { DroppedMessage } from '../ports/history-store.ts';

/** How a message ended for one handler. `abandoned`: the runner was ended before any try succeeded; nothing is settled. */
export type HandlingOutcome =
  | { readonly status: 'handled'; readonly result: unknown }
  | { readonly status: 'failed'; readonly error: unknown }
  | { readonly status: 'abandoned' };

/** How a message ended for good, or until somebody requeues it. `dropped`: a bound of its held topic removed it. */
export type Ending =
  | { readonly status: 'handled'; readonly results: readonly unknown[] }
  | { readonly status: 'dead'; readonly reason: string }
  | { readonly status: 'dropped' };

/** How the calls of the listeners of a topic that is not retained end. */
export type CallOutcomes = (HandlingOutcome | Promise<HandlingOutcome>)[];

/** Told of each message of a held topic that has ended, with its body where that is still there. Must not throw. */
export type EndingListener = (message: Message | DroppedMessage, ending: Ending) => void;

/** Given a message of a topic that is not retained when its listeners were called: whether there were any, and how their calls end. */
export type Hear = (message: Message, reached: boolean, outcomes: Promise<readonly HandlingOutcome[]>) => void;
