/** A client that writes what it handles and its session to files, so that it can be killed and started again. */
import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createClient, type SavedSession } from '@hexbus/client';
import { optionsVia } from '../support/client-options.ts';
import { argumentOf, obey } from '../support/commands.ts';
import type { Via } from '../support/via.ts';
import { Watch } from '../support/watch.ts';

export interface FollowerArgument {
  readonly via: Via;
  readonly port: number;
  readonly session: string;
  readonly log: string;
  readonly topics: readonly string[];
}

const { via, port, session, log, topics } = argumentOf<FollowerArgument>();
const client = createClient({
  ...optionsVia(via, port),
  session: {
    load: () => (existsSync(session) ? (JSON.parse(readFileSync(session, 'utf8')) as SavedSession) : undefined),
    save(saved) {
      writeFileSync(`${session}.new`, JSON.stringify(saved));
      renameSync(`${session}.new`, session);
    },
  },
});
const last = new Map<string, number>();
const watch = new Watch();
for (const topic of topics) {
  const handler = ({ body }: { readonly body: number }): void => {
    appendFileSync(log, `${topic} ${body}\n`);
    last.set(topic, body);
    watch.changed();
  };
  client.subscribe<number>(topic, handler, { from: 'earliest' });
}
client.handle('hang', () => new Promise(() => undefined));
client.handle('echo', (body) => body);

obey({
  open: () => client.open(),
  /** Resolves when the last message that was handled under each topic is this one. */
  caughtUp: (wanted: readonly (readonly [string, number])[]) =>
    watch.until(() => wanted.every(([topic, body]) => last.get(topic) === body)),
  close: () => client.close(),
});
