import fc, { type Arbitrary } from 'fast-check';
import type { IssuedAs } from '../../properties/commands.ts';
import type { Fault } from '../../properties/scheduled-history.ts';

/** What the page does first: the address of its `EventSource`. */
export interface OpenCommand {
  readonly do: 'open';
  /** No two of them overlap. */
  readonly topics: readonly string[];
  /** As in the query. */
  readonly start: string;
  /** As ann, always. Without, it is whoever is logged in. */
  readonly byTicket: boolean;
  /** `authorize` takes a step for each topic. */
  readonly asksSlowly: boolean;
}

export type Command =
  | OpenCommand
  | { readonly do: 'publish'; readonly topic: string; readonly count: number }
  | { readonly do: 'fault'; readonly kind: 'write' | 'read'; readonly fault: Fault }
  | { readonly do: 'advance'; readonly ms: number }
  /** The page has another cookie from its next connection on. */
  | { readonly do: 'log-in'; readonly user: User }
  /** `cut`: the stream breaks, and the client comes back by itself. */
  | { readonly do: 'cut' | 'stall' | 'drain' | 'crash' | 'rest' };

/** Undefined: nobody in particular. */
export type User = 'ann' | 'bob' | undefined;

export const users = ['ann', 'bob'] as const;

export function inboxOf(user: User): readonly string[] {
  return user === undefined ? [] : [`@user.${user}`];
}

const open: Arbitrary<OpenCommand> = fc.record({
  do: fc.constant('open'),
  topics: fc.constantFrom(['b'], ['>'], ['a.x', 'b'], ['a.*', 'b'], ['a.x', 'a.y', 'b', 'c.one'], ['c.>', 'a.y', 'b']),
  start: fc.constantFrom('from=now', 'from=earliest', 'from=earliest', 'last=2', 'since=0'),
  byTicket: fc.boolean(),
  asksSlowly: fc.boolean(),
});

const command: Arbitrary<Command> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('publish'),
      topic: fc.constantFrom('a.x', 'a.y', 'b', 'c.one', '@user.ann', '@user.bob'),
      count: fc.constantFrom(1, 1, 2, 3, 8),
    }),
  },
  { weight: 6, arbitrary: fc.constant({ do: 'cut' }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('log-in'), user: fc.constantFrom<User[]>('ann', 'bob', undefined) }),
  },
  { weight: 2, arbitrary: fc.constant({ do: 'stall' }) },
  { weight: 2, arbitrary: fc.constant({ do: 'drain' }) },
  { weight: 1, arbitrary: fc.constant({ do: 'crash' }) },
  { weight: 1, arbitrary: fc.constant({ do: 'rest' }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('advance'), ms: fc.constantFrom(1, 500, 1_000) }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Command>(
      { do: 'fault', kind: 'read', fault: 'fails' },
      { do: 'fault', kind: 'write', fault: 'fails' },
      { do: 'fault', kind: 'write', fault: 'unknown-done' },
      { do: 'fault', kind: 'write', fault: 'unknown-late' },
    ),
  },
);

/** What was published before the page was there, the page, and what happens to it. */
export const programs: Arbitrary<readonly IssuedAs<Command>[]> = fc
  .tuple(issued(command, 8), fc.record({ command: open, joined: fc.boolean() }), issued(command, 50))
  .map(([before, first, after]) => [...before, first, ...after]);

function issued(commands: Arbitrary<Command>, maxLength: number): Arbitrary<IssuedAs<Command>[]> {
  return fc.array(fc.record({ command: commands, joined: fc.boolean() }), { maxLength, size: 'max' });
}
