/** A server whose history is a file. Publishes what it is told to, and is killed at any moment. */
import { createBus } from '@hexbus/core';
import { createGateway, type Identity } from '@hexbus/core/gateway';
import { createSqliteHistory } from '@hexbus/store-sqlite';
import { argumentOf, obey } from '../support/commands.ts';
import { Entrance } from '../support/entrance.ts';

export interface ServerArgument {
  readonly file: string;
  readonly port?: number | undefined;
  /** What clients come in by. Default: a token, which is the name of the user. */
  readonly credential?: keyof typeof credentials;
  /** Served at `/`. */
  readonly page?: string;
}

export interface ToPublish {
  readonly topic: string;
  readonly body: number;
}

const credentials = {
  token: { authenticateToken: (userId: string): Identity => ({ userId }) },
  ticket: { authenticate: () => null },
  none: {},
} as const;

const { file, port, credential = 'token', page } = argumentOf<ServerArgument>();
const bus = createBus({
  history: createSqliteHistory({ file }),
  topics: { '>': { retain: { maxCount: 100_000 } }, '@user.>': { retain: { maxCount: 1_000 } } },
});
const entrance = new Entrance(page);
const gateway = createGateway(bus, {
  transports: entrance.transports,
  ...credentials[credential],
  authorize: () => true,
  resumeKey: 'known to every start of this server only',
  timings: { drainMs: 0 },
});

obey({
  async open(): Promise<number> {
    await bus.open();
    await gateway.open();
    return entrance.listen(port);
  },
  /** The body is the id too, so that what was published before a kill is not published twice. */
  async publish(messages: readonly ToPublish[]): Promise<void> {
    await Promise.all(messages.map(({ topic, body }) => bus.publish(topic, body, { id: String(body) })));
  },
  ticket: (userId: string) => gateway.createTicket({ userId }),
  async post(bodies: readonly number[]): Promise<void> {
    await Promise.all(bodies.map((body) => gateway.post({ user: 'ann' }, 'note', body, { id: String(body) })));
  },
  /** All bodies that a pattern matches, in order. */
  async read(pattern: string): Promise<readonly unknown[]> {
    const bodies: unknown[] = [];
    for (let page = await bus.read(pattern, { limit: 1_000 }); page.messages.length > 0; ) {
      bodies.push(...page.messages.map(({ topic, body }) => [topic, body]));
      page = await bus.read(pattern, { after: page.cursor, limit: 1_000 });
    }
    return bodies;
  },
});
