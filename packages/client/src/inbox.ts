import type { CursorParts, HandlerContext, Message } from '@hexbus/core';
import { HandlerRunner } from '@hexbus/core/wire';
import { HighWater } from './high-water.ts';
import { messageWork } from './message-work.ts';
import type { Step } from './progress.ts';
import { Pump } from './pump.ts';
import type { Runtime } from './runtime.ts';

/** The subscription that every connection has: what is addressed to it, to its session, to its user and to all. */
export class Inbox {
  readonly #runtime: Runtime;
  readonly #pump: Pump;
  readonly seen: HighWater = new HighWater();
  /** With the type that each is for. */
  readonly #runners = new Map<HandlerRunner, string>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.#pump = new Pump(runtime.clock, runtime.backlog);
  }

  on(
    type: string,
    handler: (message: Message, context: HandlerContext) => unknown,
    maxTries: number | undefined,
  ): () => void {
    const { clock, handling: usual } = this.#runtime;
    const handling = { ...usual, maxTries: maxTries ?? usual.maxTries };
    const runner = new HandlerRunner({ handler, handling, clock });
    this.#runners.set(runner, type);
    return () => {
      runner.end();
      this.#runners.delete(runner);
    };
  }

  offer(message: Message, at: CursorParts | undefined, size: number, step: Step | undefined): void {
    if (!this.seen.pass(at)) return;
    const { observers, progress } = this.#runtime;
    this.#pump.push(messageWork(message, size, () => this.#runnersOf(message), observers, progress.hold(step)));
  }

  /** Starts nothing any more. Resolves when the running calls have ended. */
  halt(): Promise<void> {
    this.#pump.halt();
    for (const runner of this.#runners.keys()) runner.end();
    return this.#pump.idle;
  }

  /** Nobody waits for the running calls any more. */
  abandon(): void {
    for (const runner of this.#runners.keys()) runner.abandon();
  }

  #runnersOf({ topic, id, type }: Message): readonly HandlerRunner[] {
    const runners = [...this.#runners.keys()].filter((runner) => this.#runners.get(runner) === (type ?? ''));
    if (runners.length === 0) this.#runtime.observers.tell('unhandled', { topic, id, type });
    return runners;
  }
}
