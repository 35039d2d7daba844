// The program that is killed: publishes as fast as it can, listens, and writes down what it was told.
// Arguments: history file, journal file, durability, number of this run, 'publish' or 'finish', and what to publish first.
import { openSync, writeSync } from 'node:fs';
import { createBus, type Receipt } from '@hexbus/core';
import { createHistoryOf } from '../support.ts';
import { seededFractions } from './fractions.ts';
import { type EntryKind, entryText } from './journal.ts';
import { boundedTopic, durableFilter, durableName, inboxTopic, jobTopic, streamTopics, topics } from './topics.ts';

const [file, journalFile, durability, run, mode, uncertain] = process.argv.slice(2) as [
  string,
  string,
  'commit' | 'os',
  string,
  'publish' | 'finish',
  string,
];
const fraction = seededFractions(Number(run));
const journal = openSync(journalFile, 'a');
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const note = (
  kind: EntryKind,
  { topic, position = 0, id }: { readonly topic: string; readonly position?: number; readonly id: string },
): void => void writeSync(journal, entryText({ kind, topic, position, id }));

// The run before may have been killed in the middle of a line.
writeSync(journal, '\n');
note('run', { topic: '-', id: run });

const bus = createBus({ history: createHistoryOf(file, { durability }), topics });
for (const kind of ['handled', 'dead', 'dropped'] as const) bus.observe(kind, (event) => note(kind, event));

const audit = bus.subscribe(
  durableFilter,
  async (message) => {
    note('start', message);
    if (fraction() < 0.05) await nextTurn();
    note('end', message);
  },
  { name: durableName, from: 'earliest' },
);
const jobs = bus.subscribe(
  jobTopic,
  async (message) => {
    note('job-start', message);
    if (fraction() < 0.3) await nextTurn();
    if (message.body === 'poison') {
      note('job-failed', message);
      throw new Error('poisoned');
    }
    note('job-end', message);
  },
  { maxTries: 2, retryDelayMs: 1 },
);

function publish(topic: string, id: string): Promise<Receipt> {
  note('tried', { topic, id });
  return bus.publish(topic, /7$/.test(id) ? 'poison' : 'x'.repeat(Number(id.length) * 10), { id });
}

async function publishAll(messages: readonly { readonly topic: string; readonly id: string }[]): Promise<void> {
  await Promise.all(messages.map(({ topic, id }) => publish(topic, id).then((receipt) => note('resolved', receipt))));
}

function anyTopic(): string {
  const place = fraction();
  if (place < 0.1) return jobTopic;
  if (place < 0.2) return inboxTopic;
  if (place < 0.3) return boundedTopic;
  return streamTopics[Math.floor(fraction() * streamTopics.length)] as string;
}

await bus.open();
process.stdout.write('open\n');
await publishAll(JSON.parse(uncertain));
for (let count = 0; mode === 'publish'; ) {
  const size = 1 + Math.floor(fraction() ** 2 * 100);
  await publishAll(Array.from({ length: size }, () => ({ topic: anyTopic(), id: `${run}-${++count}` })));
  if (audit.lag > 500) await audit.caughtUp();
}
await Promise.all([audit.caughtUp(), jobs.caughtUp()]);
await bus.close();
