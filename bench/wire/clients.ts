import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { DialectName } from './dialects.ts';

/** How long messages took, in ms from the beginning of their round, and their bytes on the wire. */
export interface Latencies {
  readonly p50: number;
  readonly p99: number;
  readonly bytes: number;
}

/** What the process of the clients is told to do, one after the other. */
export type Job =
  | {
      readonly do: 'connect';
      readonly port: number;
      readonly count: number;
      /** How many connect at once. */
      readonly together: number;
      /** How many messages each gets by itself before it counts as connected. */
      readonly messages: number;
    }
  | { readonly do: 'disconnect' }
  | { readonly do: 'keep'; readonly keeps: boolean }
  | { readonly do: 'answer' }
  | { readonly do: 'rounds'; readonly messages: number; readonly counts: boolean }
  | { readonly do: 'latencies'; readonly starts: readonly number[] };

export type JobAnswer = Latencies | undefined;

const program = fileURLToPath(new URL('./client-process.ts', import.meta.url));

/** The clients of one server, in one other process. */
export class Clients {
  readonly #process: ChildProcess;
  readonly #rounds: Socket;

  constructor(child: ChildProcess) {
    this.#process = child;
    this.#rounds = child.stdio[4] as Socket;
    this.#rounds.setMaxListeners(0);
  }

  /** Does work with clients, and ends them. */
  static async with<T>(dialect: DialectName, work: (clients: Clients) => Promise<T>): Promise<T> {
    const child = fork(program, [dialect], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc', 'pipe'],
      execArgv: ['--conditions=hexbus-source'],
    });
    await once(child, 'message');
    const clients = new Clients(child);
    const ended = once(child, 'exit');
    try {
      return await Promise.race([work(clients), ended.then(() => Promise.reject(new Error('the clients failed')))]);
    } finally {
      clients.#rounds.destroy();
      child.kill();
      await ended;
    }
  }

  async do(job: Job): Promise<JobAnswer> {
    const answered = once(this.#process, 'message');
    this.#process.send(job);
    const [{ answer }] = (await answered) as [{ answer: JobAnswer }];
    return answer;
  }

  /** Resolves when all have got the messages of one round. */
  async round(): Promise<void> {
    await once(this.#rounds, 'data');
  }
}
