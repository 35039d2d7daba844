import type { Contestant, Scenario } from '../harness.ts';
import { Clients, type Latencies } from './clients.ts';
import { sharedNow, startCpu } from './cpu.ts';
import type { DialectName } from './dialects.ts';

/** A server whose clients are all sent the same. */
export interface Sender {
  readonly dialect: DialectName;
  readonly port: number;
  /** Sends message `index` to all. */
  send(index: number): unknown;
  close(): unknown;
}

export const one = '1 a turn';
export const ten = '10 a turn';

/** What of a scenario is the same over every transport. */
export const sendingScenario = {
  unit: 'us of CPU per delivery',
  about:
    'Bodies of 256 bytes as JSON, to all. CPU is user and system time of the server; the clients are raw TCP sockets with one parser for all peers, in one other process. ' +
    'A round of 1 or 10 messages, sent in one turn, begins when all have got the one before. p50 and p99: ms from the beginning of the round. `bytes`: per message on the wire; hexbus ' +
    'adds cursor, topic, id and time.',
  variants: [one, ten],
  measures: ['p50 ms', 'p99 ms', 'bytes'],
  rounds: 5,
} as const satisfies Partial<Scenario>;

/** Rounds in which all connections get the messages of one turn; the next begins when all have got them. */
export function sending(connections: number, open: () => Promise<Sender>): Contestant {
  return async (variant, { quick }) => {
    const together = variant === ten ? 10 : 1;
    const count = quick ? 5 : connections;
    const rounds = quick ? 2 : Math.ceil((variant === ten ? 600_000 : 200_000) / count / together);
    const { dialect, port, send, close } = await open();
    return await Clients.with(dialect, async (clients) => {
      await clients.do({ do: 'connect', port, count, together: 100, messages: 0 });
      let index = 0;
      const run = async (times: number): Promise<number[]> => {
        const starts: number[] = [];
        for (let round = 0; round < times; round++) {
          starts.push(sharedNow());
          for (let message = 0; message < together; message++) void send(index++);
          await clients.round();
        }
        return starts;
      };
      await clients.do({ do: 'rounds', messages: together, counts: false });
      await run(Math.ceil(rounds / 3));
      await clients.do({ do: 'rounds', messages: together, counts: true });
      const cpu = startCpu();
      const starts = await run(rounds);
      const micros = cpu();
      const { p50, p99, bytes } = (await clients.do({ do: 'latencies', starts })) as Latencies;
      return { '': micros / (count * rounds * together), 'p50 ms': p50, 'p99 ms': p99, bytes };
    }).finally(close);
  };
}
