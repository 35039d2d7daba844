import { Socket } from 'node:net';
import type { Job, JobAnswer, Latencies } from './clients.ts';
import { type DialectName, dialects, type Kept } from './dialects.ts';
import { WireClient } from './wire-client.ts';

// All clients of one measurement, in a process of their own.
const dialect = dialects[process.argv[2] as DialectName];
/** A byte for each round that all clients have got: cheaper for the server than a message over IPC. */
const rounds = new Socket({ fd: 4 });
const kept: Kept[] = [];
let clients: WireClient[] = [];
let closed = 0;
let onClosed = (): void => undefined;
let messages = 0;
let bytes = 0;
let expected = Number.POSITIVE_INFINITY;
let onExpected = (): void => undefined;
let arrivals: { readonly at: number; readonly messages: number; readonly round: number }[] = [];
let round = 0;
let counts = false;

function got(count: number, size: number): void {
  messages += count;
  bytes += size;
  if (counts) arrivals.push({ at: now(), messages: count, round });
  if (messages > expected) throw new Error(`${messages} messages came, not ${expected}`);
  if (messages === expected) onExpected();
}

/** The monotonic clock of the machine, which server and clients share. */
function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

const jobs: { readonly [Name in Job['do']]: (job: Extract<Job, { do: Name }>) => Promise<JobAnswer> } = {
  connect: ({ port, count, together, messages: missed }) =>
    new Promise((resolve) => {
      messages = 0;
      expected = missed === 0 ? Number.POSITIVE_INFINITY : count * missed;
      closed = 0;
      let begun = 0;
      let ready = 0;
      const isDone = (): boolean => ready === count && (missed === 0 || messages === expected);
      const done = (): void => {
        if (isDone()) resolve(undefined);
      };
      onExpected = done;
      const next = (): void => {
        const at = begun++;
        kept[at] ??= {};
        const client = new WireClient(dialect, port, kept[at], {
          greeted() {
            ready++;
            if (begun < count) next();
            done();
          },
          got,
          closed() {
            closed++;
            onClosed();
          },
        });
        clients.push(client);
      };
      while (begun < Math.min(count, together)) next();
    }),

  disconnect: () =>
    new Promise((resolve) => {
      onClosed = () => {
        if (closed < clients.length) return;
        clients = [];
        onClosed = () => undefined;
        resolve(undefined);
      };
      for (const client of clients) client.destroy();
    }),

  async keep({ keeps }) {
    for (const client of clients) client.keeps = keeps;
  },

  async answer() {
    for (const client of clients) client.answers = true;
  },

  async rounds({ messages: each, counts: isCounted }) {
    messages = 0;
    bytes = 0;
    round = 0;
    arrivals = [];
    counts = isCounted;
    expected = clients.length * each;
    onExpected = () => {
      messages = 0;
      round++;
      rounds.write('.');
    };
  },

  latencies: async ({ starts }) => {
    const all: number[] = [];
    for (const { at, messages: count, round: of } of arrivals) {
      for (let index = 0; index < count; index++) all.push(at - (starts[of] as number));
    }
    all.sort((a, b) => a - b);
    const quantile = (part: number): number => all[Math.floor(all.length * part)] ?? Number.NaN;
    const answer: Latencies = { p50: quantile(0.5), p99: quantile(0.99), bytes: bytes / all.length };
    return answer;
  },
};

process.on('message', (job: Job) => {
  void (jobs[job.do] as (job: Job) => Promise<JobAnswer>)(job).then((answer) => process.send?.({ answer }));
});
process.on('disconnect', () => process.exit(0));
process.send?.({ answer: undefined });
