import {
  type CursorParts,
  type Gap,
  type HandlerContext,
  isHexbusError,
  type Message,
  parseCursor,
  type Reset,
  type Subscription,
} from '@hexbus/core';
import { microtasks } from '../support/microtasks.ts';
import type { Behaviour, Turn } from './commands.ts';
import type { Schedule } from './schedule.ts';

/** How long a call may take in the buses of the runs. */
export const handleTimeoutMs = 1_000;

/** One call of a handler. */
export interface Call {
  readonly serial: number;
  readonly position: number;
  readonly topic: string;
  readonly attempt: number;
  readonly context: HandlerContext;
  /** Whether its time is up by the clock. */
  readonly isOverdue: () => boolean;
  state: 'running' | 'ok' | 'failed';
}

export type LogEntry = { readonly step: number } & (
  | { readonly kind: 'start' | 'end'; readonly call: Call }
  | { readonly kind: 'gap'; readonly gap: Gap }
  | { readonly kind: 'reset'; readonly reset: Reset }
  | { readonly kind: 'unsubscribed' }
);

/** What the handlers of a run may do to the program they run in. */
export interface HandlerHost {
  readonly schedule: Schedule;
  now(): number;
  isAlive(): boolean;
  publish(topic: string): Promise<unknown>;
  /** A healthy listener more, on the same filter. */
  attach(filter: readonly string[]): void;
  close(): Promise<void>;
  logged(listener: Listener, entry: LogEntry): void;
}

export interface ListenerOptions {
  readonly filter: readonly string[];
  readonly held: boolean;
  readonly name: string | undefined;
  readonly maxTries: number;
  readonly onFailure: 'skip' | 'stop';
  /** What its calls do, one after another; later ones succeed at once. */
  readonly script: readonly Turn[];
  readonly createdAt: number;
}

/** Where a listener is to begin. */
export interface Origin {
  /** What it was told to start from, or `token` for the stored cursor of its name. */
  readonly from: 'now' | 'located' | 'token';
  /** For `now` the head that was acknowledged then. */
  readonly expectedStart: CursorParts | undefined;
  /** It goes on where another one was. */
  readonly resumes: boolean;
}

/** A handler with a script, its subscription, and the log of all that it was told. */
export class Listener {
  readonly options: ListenerOptions;
  readonly label: string;
  readonly log: LogEntry[] = [];
  readonly calls: Call[] = [];
  subscription: Subscription | undefined;
  origin: Origin = { from: 'now', expectedStart: undefined, resumes: false };
  start: CursorParts | undefined;
  isDone = false;
  #unsubscribed = false;
  readonly #host: HandlerHost;

  constructor(label: string, host: HandlerHost, options: ListenerOptions) {
    this.label = label;
    this.options = options;
    this.#host = host;
  }

  /** Part of a running program. */
  get alive(): boolean {
    return this.#host.isAlive();
  }

  get active(): boolean {
    return this.alive && !this.#unsubscribed && this.subscription?.state === 'active';
  }

  get starting(): boolean {
    return this.alive && !this.#unsubscribed && this.subscription?.state === 'starting';
  }

  get unsubscribed(): boolean {
    return this.#unsubscribed;
  }

  /** A call that nobody has given up runs. */
  get busy(): boolean {
    return this.calls.some(isRunning);
  }

  get cursor(): CursorParts | undefined {
    const cursor = this.subscription?.cursor;
    return cursor === undefined ? undefined : parseCursor(cursor);
  }

  unsubscribe(): void {
    this.subscription?.unsubscribe();
    this.markUnsubscribed();
  }

  /** From here on nothing may reach it. */
  markUnsubscribed(): void {
    if (this.#unsubscribed) return;
    this.#unsubscribed = true;
    this.#note({ kind: 'unsubscribed' });
  }

  readonly onGap = (gap: Gap): void => this.#note({ kind: 'gap', gap });
  readonly onReset = (reset: Reset): void => this.#note({ kind: 'reset', reset });

  readonly handle = (message: Message, context: HandlerContext): unknown => {
    // What a bus still does in the turn of its crash, nobody sees.
    if (!this.#host.isAlive()) return forever();
    const { serial } = message.body as { serial: number };
    const deadline = this.#host.now() + handleTimeoutMs;
    const call: Call = {
      serial,
      position: message.position!,
      topic: message.topic,
      attempt: context.attempt,
      context,
      isOverdue: () => this.#host.now() >= deadline,
      state: 'running',
    };
    const turn = this.options.script[this.calls.length];
    this.calls.push(call);
    this.#note({ kind: 'start', call });
    if (turn === undefined) return this.#behave('ok', call);
    if (turn.microtasks === 0) return this.#behave(turn.behaviour, call);
    return microtasks(turn.microtasks).then(() => this.#behave(turn.behaviour, call));
  };

  #behave(behaviour: Behaviour, call: Call): unknown {
    switch (behaviour) {
      case 'ok':
        return this.#end(call, 'ok');
      case 'throw':
        this.#end(call, 'failed');
        throw new Error(`no ${call.serial}`);
      case 'slow':
        return this.#afterSteps(3, () => this.#end(call, 'ok'));
      case 'reject':
        return this.#afterSteps(1, () => {
          this.#end(call, 'failed');
          throw new Error(`no ${call.serial}`);
        });
      case 'hang':
        return forever();
      case 'late':
        return this.#late(call);
      case 'publish':
        void this.#host.publish('b');
        return this.#end(call, 'ok');
      case 'publish and wait':
        return this.#host.publish(call.topic).then(() => this.#end(call, 'ok'));
      case 'unsubscribe':
        this.unsubscribe();
        return this.#end(call, 'ok');
      case 'unsubscribe, slow':
        this.unsubscribe();
        return this.#afterSteps(2, () => this.#end(call, 'ok'));
      case 'attach':
        this.#host.attach(this.options.filter);
        return this.#end(call, 'ok');
      case 'close':
        void this.#host.close();
        return this.#end(call, 'ok');
      case 'close and wait':
        return this.#host.close().then(() => this.#end(call, 'ok'));
    }
  }

  #end(call: Call, state: 'ok' | 'failed'): string {
    // A call that took too long was given up: how it ends then means nothing.
    call.state = hasTimeoutSignal(call) ? 'failed' : state;
    this.#note({ kind: 'end', call });
    return `result of ${call.serial}`;
  }

  async #afterSteps(count: number, finish: () => string): Promise<string> {
    for (let step = 0; step < count; step++) {
      await this.#host.schedule.step('handler');
      if (!this.#host.isAlive()) return forever();
    }
    return finish();
  }

  async #late(call: Call): Promise<string> {
    const { signal } = call.context;
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
    return this.#afterSteps(1, () => this.#end(call, 'ok'));
  }

  #note(entry: DistributiveOmit<LogEntry, 'step'>): void {
    if (!this.#host.isAlive()) return;
    const full = { ...entry, step: this.#host.schedule.steps } as LogEntry;
    this.log.push(full);
    this.#host.logged(this, full);
  }
}

type DistributiveOmit<T, Key extends PropertyKey> = T extends unknown ? Omit<T, Key> : never;

/** The time of the call was up, so that the bus has given it up. A call that was told to end before that is not told again. */
export function isTimedOut(call: Call): boolean {
  return hasTimeoutSignal(call) || mayBeTimedOut(call);
}

/** It was told to end, and then its time was up: whether the bus has given it up cannot be seen. */
export function mayBeTimedOut({ context, isOverdue }: Call): boolean {
  return context.signal.aborted && isOverdue();
}

function hasTimeoutSignal({ context }: Call): boolean {
  return context.signal.aborted && isHexbusError(context.signal.reason, 'HEXBUS_HANDLER_TIMEOUT');
}

export function isRunning(call: Call): boolean {
  return call.state === 'running' && !isTimedOut(call);
}

/** What a reader of a log knows of the calls in it so far, which is less than the calls themselves tell by then. */
export class CallOrder {
  readonly #open = new Set<Call>();
  readonly #ended = new Map<Call, 'ok' | 'failed'>();

  /** Returns a call that still runs. */
  start(call: Call): Call | undefined {
    const overlapping = [...this.#open].find((other) => !isTimedOut(other));
    this.#open.add(call);
    return overlapping;
  }

  end(call: Call): void {
    this.#open.delete(call);
    this.#ended.set(call, call.state === 'ok' ? 'ok' : 'failed');
  }

  hasSucceeded(call: Call): boolean {
    return this.#ended.get(call) === 'ok';
  }

  hasFailed(call: Call): boolean {
    return (this.#ended.get(call) ?? (hasTimeoutSignal(call) ? 'failed' : 'ok')) === 'failed';
  }
}

function forever(): Promise<never> {
  return new Promise(() => undefined);
}
