import type { ServerArgument, ToPublish } from '../programs/server.ts';
import { Child } from './child.ts';
import { all, topics } from './flow.ts';
import type { Draw } from './seed.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { nextTurn } from './watch.ts';

/** The address of the user to whom it posts. */
export const inbox = '@user.ann';

/** What is published, and how often the server is killed meanwhile. */
export interface Ordeal {
  readonly messages: number;
  readonly kills: number;
  readonly draw: Draw;
  /** Called before each batch, with how many were published before it. */
  readonly between?: (published: number) => Promise<void> | void;
}

/** A server on a file, with a SIGKILL at any moment, and the next one on the same file and port. */
export class MortalServer {
  readonly #argument: Omit<ServerArgument, 'port'>;
  #child: Child;
  #port: number | undefined;

  constructor(options: Omit<ServerArgument, 'file' | 'port'> = {}) {
    this.#argument = { ...options, file: temporaryDirectory()('bus.db') };
    this.#child = this.#start();
  }

  get port(): number {
    if (this.#port === undefined) throw new Error('the server is not open');
    return this.#port;
  }

  async open(): Promise<void> {
    this.#port = await this.#child.call<number>('open');
  }

  call<Result>(name: string, argument?: unknown): Promise<Result> {
    return this.#child.call<Result>(name, argument);
  }

  /** Publishes numbers from 0 on topics that are drawn, and after each batch posts its end to the inbox, whatever happens to the server. */
  async publish({ messages, kills, draw, between }: Ordeal): Promise<void> {
    // Early enough that there are batches left for all of them.
    const moments = Array.from({ length: kills }, () => draw((messages * 3) / 4)).sort((one, other) => one - other);
    for (let next = 0; next < messages; ) {
      await between?.(next);
      const batch: ToPublish[] = [];
      for (let size = 1 + draw(80); size > 0; size--) {
        batch.push({ topic: topics[draw(topics.length)] ?? all, body: next });
        next += 1;
      }
      const tell = (): Promise<unknown> => Promise.all([this.call('publish', batch), this.call('post', [next])]);
      if (next >= (moments[0] ?? Number.POSITIVE_INFINITY)) {
        moments.shift();
        // Whether it was published is not known, so it is told again to the next one.
        const told = tell().catch(() => undefined);
        for (let turns = draw(20); turns > 0; turns--) await nextTurn();
        await this.kill();
        await told;
      }
      await tell();
    }
  }

  /** Kills it, and has the next one open. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#child.ended;
    this.#child = this.#start();
    await this.open();
  }

  /** What its file holds under each topic, all of them, and the inbox. */
  async stored(): Promise<ReadonlyMap<string, readonly number[]>> {
    const [flow, posted] = await Promise.all(
      [all, '@user.>'].map((pattern) => this.call<[string, number][]>('read', pattern)),
    );
    const bodies = (found: readonly [string, number][] = []): number[] => found.map(([, body]) => body);
    const ofTopics = topics.map((topic) => [topic, bodies(flow?.filter((one) => one[0] === topic))] as const);
    return new Map([...ofTopics, [all, bodies(flow)], [inbox, bodies(posted)]]);
  }

  #start(): Child {
    return new Child('server', { ...this.#argument, port: this.#port });
  }
}
