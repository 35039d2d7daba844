import fc, { type Arbitrary } from 'fast-check';
import type { Fault } from './scheduled-history.ts';

export type Behaviour =
  | 'ok'
  | 'slow'
  | 'throw'
  | 'reject'
  | 'hang'
  | 'late'
  | 'publish'
  | 'publish and wait'
  | 'unsubscribe'
  | 'unsubscribe, slow'
  | 'attach'
  | 'close'
  | 'close and wait';

/** What one call of a handler does, and how many microtasks later. */
export interface Turn {
  readonly behaviour: Behaviour;
  readonly microtasks: number;
}

/** `token`: after an earlier cursor of the run; `epoch`, `above` and `malformed` are cursors that no history of the run can know. */
export type Start =
  | 'now'
  | 'earliest'
  | { readonly last: number }
  | { readonly sinceMs: number }
  | { readonly token: number }
  | { readonly bad: 'epoch' | 'above' | 'malformed' };

export interface SubscribeCommand {
  readonly do: 'subscribe';
  readonly filter: readonly string[];
  readonly start: Start;
  readonly name: string | undefined;
  readonly onFailure: 'skip' | 'stop';
  readonly maxTries: number;
  readonly script: readonly Turn[];
}

export type Command =
  | {
      readonly do: 'publish';
      readonly topic: string;
      readonly count: number;
      readonly awaited: boolean;
      readonly id: string | undefined;
    }
  | SubscribeCommand
  | { readonly do: 'attach'; readonly topic: string; readonly maxTries: number; readonly script: readonly Turn[] }
  | { readonly do: 'unsubscribe' | 'resume' | 'await caught up'; readonly pick: number }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'trim'; readonly topic: string; readonly count: number }
  | { readonly do: 'fault'; readonly kind: 'write' | 'read'; readonly fault: Fault }
  /** A publish whose signal is aborted in some step after it. */
  | { readonly do: 'withdraw'; readonly topic: string }
  | { readonly do: 'read'; readonly filter: readonly string[]; readonly last: number | undefined }
  | { readonly do: 'requeue' | 'discard'; readonly topic: string }
  | { readonly do: 'reopen'; readonly newEpoch: boolean }
  | { readonly do: 'wipe' | 'crash' | 'rest' };

export type CommandKind = Command['do'];

/** `joined`: in the same step as the command before it, so that no step comes in between. */
export interface IssuedAs<One> {
  readonly command: One;
  readonly joined: boolean;
  /** So many after the command before it if it is joined, else after the beginning of the next step. None: at once, or in a step of its own. */
  readonly microtasks?: number;
}

export type Issued = IssuedAs<Command>;

/** How often each kind of command is drawn; a kind that is left out is not. */
export type Weights = Partial<Record<CommandKind, number>>;

/** What a program does, and may do in the middle of a step. What is done to it comes between two. */
export const midwayKinds: ReadonlySet<CommandKind> = new Set([
  'publish',
  'subscribe',
  'attach',
  'unsubscribe',
  'resume',
  'await caught up',
  'withdraw',
  'read',
  'requeue',
  'discard',
]);

export interface Mix {
  readonly weights: Weights;
  readonly streams: readonly string[];
  readonly held: readonly string[];
  readonly filters: readonly (readonly string[])[];
  readonly starts: Arbitrary<Start>;
  /** Durable names, each with its filter. */
  readonly names: Readonly<Record<string, readonly string[]>>;
  readonly behaviours: Arbitrary<Behaviour>;
  /** Between a command or the call of a handler and what it does. */
  readonly microtasks: Arbitrary<number>;
  readonly bursts: Arbitrary<number>;
  readonly ids: readonly string[];
  readonly maxCommands: number;
  /** How long the pages of the history are at most. */
  readonly maxPage: number;
}

export function commandsOf(mix: Mix): Arbitrary<readonly Issued[]> {
  const kinds = Object.entries(mix.weights) as [CommandKind, number][];
  const arbitraries = kinds.map(([kind, weight]) => ({
    weight,
    arbitrary: fc.record({
      command: commandOf(kind, mix),
      joined: fc.boolean(),
      microtasks: midwayKinds.has(kind) ? mix.microtasks : fc.constant(0),
    }),
  }));
  return fc.array(fc.oneof(...arbitraries), { minLength: 1, maxLength: mix.maxCommands, size: 'max' });
}

function commandOf(kind: CommandKind, mix: Mix): Arbitrary<Command> {
  const turn = fc.record({ behaviour: mix.behaviours, microtasks: mix.microtasks });
  const script = fc.array(turn, { maxLength: 5 });
  const maxTries = fc.integer({ min: 1, max: 3 });
  const pick = fc.nat({ max: 50 });
  switch (kind) {
    case 'publish':
      return fc.record({
        do: fc.constant(kind),
        topic: fc.constantFrom(...mix.streams, ...mix.held),
        count: mix.bursts,
        awaited: fc.boolean(),
        id: mix.ids.length === 0 ? fc.constant(undefined) : fc.option(fc.constantFrom(...mix.ids), { nil: undefined }),
      });
    case 'subscribe':
      return fc
        .record({
          do: fc.constant(kind),
          subscriber: fc.constantFrom(...subscribersOf(mix)),
          start: mix.starts,
          onFailure: fc.constantFrom('skip' as const, 'skip' as const, 'stop' as const),
          maxTries,
          script,
        })
        .map(({ subscriber, ...rest }) => ({ ...rest, ...subscriber }));
    case 'attach':
      return fc.record({ do: fc.constant(kind), topic: fc.constantFrom(...mix.held), maxTries, script });
    case 'unsubscribe':
    case 'resume':
    case 'await caught up':
      return fc.record({ do: fc.constant(kind), pick });
    case 'advance':
      return fc.record({ do: fc.constant(kind), ms: fc.constantFrom(1, 50, 100, 1_000, 2_500, 5_000) });
    case 'trim':
      return fc.record({
        do: fc.constant(kind),
        topic: fc.constantFrom(...mix.streams),
        count: fc.integer({ min: 1, max: 4 }),
      });
    case 'fault':
      return fc.constantFrom<Command[]>(
        { do: kind, kind: 'write', fault: 'fails' },
        { do: kind, kind: 'write', fault: 'unknown-lost' },
        { do: kind, kind: 'write', fault: 'unknown-done' },
        { do: kind, kind: 'write', fault: 'unknown-late' },
        { do: kind, kind: 'read', fault: 'fails' },
      );
    case 'withdraw':
      return fc.record({ do: fc.constant(kind), topic: fc.constantFrom(...mix.streams) });
    case 'read':
      return fc.record({
        do: fc.constant(kind),
        filter: fc.constantFrom(...mix.filters),
        last: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
      });
    case 'requeue':
    case 'discard':
      return fc.record({ do: fc.constant(kind), topic: fc.constantFrom(...mix.held) });
    case 'reopen':
      return fc.record({ do: fc.constant(kind), newEpoch: fc.boolean() });
    case 'wipe':
    case 'crash':
    case 'rest':
      return fc.constant({ do: kind });
  }
}

/** A name always has the same filter. Half of the subscribers have one, where there are names. */
function subscribersOf({ filters, names }: Mix): readonly Pick<SubscribeCommand, 'filter' | 'name'>[] {
  const named = Object.entries(names).map(([name, filter]) => ({ name, filter }));
  const unnamed = filters.map((filter) => ({ name: undefined, filter }));
  if (named.length === 0) return unnamed;
  return [...unnamed, ...unnamed.map((_, index) => named[index % named.length]!)];
}
