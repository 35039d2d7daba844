import fc, { type Arbitrary } from 'fast-check';
import type { IssuedAs, Start } from '../../properties/commands.ts';
import type { Fault } from '../../properties/scheduled-history.ts';

/** What is wrong with the token of a client that comes back: the epoch, the main position, the position of each subscription, or its form. */
export type Corruption = 'epoch' | 'above' | 'own above' | 'malformed';

/** `back`: by how many frames the token is older than the last one. */
export interface ResumeCommand {
  readonly do: 'resume';
  readonly back: number;
  readonly corruption: Corruption | undefined;
}

export type Command =
  | { readonly do: 'publish'; readonly topic: string; readonly count: number }
  | { readonly do: 'subscribe'; readonly filter: readonly string[]; readonly start: Start }
  | { readonly do: 'unsubscribe'; readonly pick: number }
  | ResumeCommand
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'trim'; readonly topic: string; readonly count: number }
  | { readonly do: 'fault'; readonly kind: 'write' | 'read'; readonly fault: Fault }
  | { readonly do: 'reopen'; readonly newEpoch: boolean }
  /** `stall`: the client reads nothing until `drain`. */
  | { readonly do: 'stall' | 'drain' | 'cut' | 'wipe' | 'crash' | 'rest' };

export type CommandKind = Command['do'];

export interface Mix {
  readonly weights: Partial<Record<CommandKind, number>>;
  readonly topics: readonly string[];
  readonly filters: readonly (readonly string[])[];
  readonly starts: Arbitrary<Start>;
  readonly bursts: Arbitrary<number>;
  readonly maxCommands: number;
  /** How long the pages of the history are at most. */
  readonly maxPage: number;
  /** Others read too: each page waits for its turn. */
  readonly othersRead: boolean;
  /** How many bytes wait for the client; an event takes about 150. */
  readonly maxOutboxBytes: number;
}

export function programsOf(mix: Mix): Arbitrary<readonly IssuedAs<Command>[]> {
  const kinds = Object.entries(mix.weights) as [CommandKind, number][];
  const arbitraries = kinds.map(([kind, weight]) => ({ weight, arbitrary: commandOf(kind, mix) }));
  const issued = fc.record({ command: fc.oneof(...arbitraries), joined: fc.boolean() });
  return fc.array(issued, { minLength: 1, maxLength: mix.maxCommands, size: 'max' });
}

function commandOf(kind: CommandKind, mix: Mix): Arbitrary<Command> {
  const topic = fc.constantFrom(...mix.topics);
  switch (kind) {
    case 'publish':
      return fc.record({ do: fc.constant(kind), topic, count: mix.bursts });
    case 'subscribe':
      return fc.record({ do: fc.constant(kind), filter: fc.constantFrom(...mix.filters), start: mix.starts });
    case 'unsubscribe':
      return fc.record({ do: fc.constant(kind), pick: fc.nat({ max: 50 }) });
    case 'resume':
      return fc.record({
        do: fc.constant(kind),
        back: fc.constantFrom(0, 0, 0, 1, 2, 5),
        corruption: fc.option(fc.constantFrom<Corruption[]>('epoch', 'above', 'own above', 'malformed'), {
          nil: undefined,
          freq: 12,
        }),
      });
    case 'advance':
      return fc.record({ do: fc.constant(kind), ms: fc.constantFrom(1, 50, 100, 1_000, 2_500, 5_000) });
    case 'trim':
      return fc.record({ do: fc.constant(kind), topic, count: fc.integer({ min: 1, max: 4 }) });
    case 'fault':
      return fc.constantFrom<Command[]>(
        { do: kind, kind: 'write', fault: 'fails' },
        { do: kind, kind: 'write', fault: 'unknown-lost' },
        { do: kind, kind: 'write', fault: 'unknown-done' },
        { do: kind, kind: 'write', fault: 'unknown-late' },
        { do: kind, kind: 'read', fault: 'fails' },
      );
    case 'reopen':
      return fc.record({ do: fc.constant(kind), newEpoch: fc.boolean() });
    case 'stall':
    case 'drain':
    case 'cut':
    case 'wipe':
    case 'crash':
    case 'rest':
      return fc.constant({ do: kind });
  }
}
