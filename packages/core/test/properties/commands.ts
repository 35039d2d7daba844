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
  readonly script: readonly Behaviour[];
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
  | { readonly do: 'attach'; readonly topic: string; readonly maxTries: number; readonly script: readonly Behaviour[] }
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

/** `joined`: in the same step as the command before it, so that nothing comes in between. */
export interface IssuedAs<One> {
  readonly command: One;
  readonly joined: boolean;
}

export type Issued = IssuedAs<Command>;

/** How often each kind of command is drawn; a kind that is left out is not. */
export type Weights = Partial<Record<CommandKind, number>>;

export interface Mix {
  readonly weights: Weights;
  readonly streams: readonly string[];
  readonly held: readonly string[];
  readonly filters: readonly (readonly string[])[];
  readonly starts: Arbitrary<Start>;
  /** Durable names, each with its filter. */
  readonly names: Readonly<Record<string, readonly string[]>>;
  readonly behaviours: Arbitrary<Behaviour>;
  readonly bursts: Arbitrary<number>;
  readonly ids: readonly string[];
  readonly maxCommands: number;
  /** How long the pages of the history are at most. */
  readonly maxPage: number;
}

export function commandsOf(mix: Mix): Arbitrary<readonly Issued[]> {
  const kinds = Object.entries(mix.weights) as [CommandKind, number][];
  const arbitraries = kinds.map(([kind, weight]) => ({ weight, arbitrary: commandOf(kind, mix) }));
  const issued = fc.record({ command: fc.oneof(...arbitraries), joined: fc.boolean() });
  return fc.array(issued, { minLength: 1, maxLength: mix.maxCommands, size: 'max' });
}

function commandOf(kind: CommandKind, mix: Mix): Arbitrary<Command> {
  const script = fc.array(mix.behaviours, { maxLength: 5 });
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
