import type { Bus, Message } from '@hexbus/core';
import { help, type Options, readArguments, UsageError } from './arguments.ts';
import { countRecords, openBus } from './history.ts';
import { openInput } from './input.ts';
import type { Listener } from './listener.ts';
import { publishInput } from './publish.ts';
import { formatted, Report, type Summary } from './report.ts';
import type { Events } from './topics.ts';

const exitCodes = { done: 0, failed: 1, wrongArguments: 2, SIGINT: 130, SIGPIPE: 141, SIGTERM: 143 } as const;

/** Publishes the input with no listener loaded, loads the listener, and shows what it gets. */
async function run(bus: Bus<Events>, options: Options, report: Report, signal: AbortSignal): Promise<Summary> {
  const input = await openInput(options.input, signal);
  report.say(`hexbus quickstart: ${input.name}`);
  let listener = options.live ? await load(bus, options, report, signal) : undefined;

  report.heading(`Publish each record to record.TYPE, ${listener === undefined ? 'with no listener loaded' : 'live'}`);
  const publishStart = performance.now();
  const { records, bad, published, byTopic, resumedAfter } = await publishInput(
    bus,
    input,
    {
      onBadLine: (badLine) => report.badLine(input.name, badLine),
      onProgress: (count) => report.progress('published', count),
    },
    signal,
  );
  const publishedPerSecond = perSecond(published, publishStart);
  if (resumedAfter > 0) report.say(`  Up to line ${formatted(resumedAfter)} all was published at earlier starts.`);
  report.say(`  ${formatted(published)} published.`);
  await bus.publish('note', {
    text: `${input.name}: ${published === 0 ? 'nothing new' : `${formatted(published)} records published`}`,
  });

  if (listener === undefined) {
    report.heading('What waits for its listener');
    report.counts(byTopic);
    report.held(await bus.stats('note'));
  }

  const handleStart = options.live ? publishStart : performance.now();
  if (options.listen && !signal.aborted) listener ??= await load(bus, options, report, signal);
  await listener?.caughtUp();
  await listener?.stop();
  const handled = listener?.handled() ?? 0;
  const handledPerSecond = perSecond(handled, handleStart);
  const resumedBehind = listener === undefined ? undefined : await lastBefore(bus, listener);
  if (resumedBehind !== undefined) report.resumed(resumedBehind, handled);

  report.heading('Read the history without subscribing: the last three records');
  for (const message of (await bus.read('record.>', { last: 3 })).messages) report.message(message);

  const cursor = listener?.records.cursor;
  const waiting = cursor === undefined ? null : await countRecords(bus, cursor);
  const ending = signal.aborted ? 'ended by a signal' : 'came to its end';
  await bus.publish('note', { text: `the start of ${new Date().toLocaleString('en-GB')} ${ending}` });
  return {
    input: input.name,
    records,
    bad,
    published,
    publishedBefore: records - published,
    publishedPerSecond,
    handled,
    handledPerSecond,
    resumedBehind: resumedBehind?.id ?? null,
    waiting,
    interrupted: signal.aborted,
    database: options.database,
  };
}

/** Only now is the module of the listener loaded, as a program does that loads its parts when they are needed. */
async function load(bus: Bus<Events>, options: Options, report: Report, signal: AbortSignal): Promise<Listener> {
  report.heading('Load the listener: it gets what waits, in order of reception');
  const { loadListener } = await import('./listener.ts');
  return loadListener(bus, {
    log: options.log,
    stopAfter: options.stopAfter,
    signal,
    onRecord: (message, handled) => report.arrived(message, handled),
    onNote: ({ body, time }) => report.say(`  note of ${new Date(time).toLocaleTimeString('en-GB')}: ${body.text}`),
  });
}

/** The last record that earlier starts handled. */
async function lastBefore(bus: Bus<Events>, { records }: Listener): Promise<Message | undefined> {
  const resolved = await records.ready;
  if (resolved === undefined) return undefined;
  return (await bus.read('record.>', { before: resolved.start, limit: 1 })).messages[0];
}

function perSecond(count: number, start: number): number {
  return Math.round((count / (performance.now() - start)) * 1000);
}

async function main(args: readonly string[]): Promise<number> {
  let options: Options;
  try {
    options = readArguments(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\nnpm start -- --help lists what there is.\n`);
    return exitCodes.wrongArguments;
  }
  if (options.help) {
    process.stdout.write(help);
    return exitCodes.done;
  }

  const report = new Report(options);
  const stopping = new AbortController();
  // The second Ctrl-C finds no listener any more and ends the process at once.
  process.once('SIGINT', (name) => stopping.abort(name));
  process.once('SIGTERM', (name) => stopping.abort(name));
  // Whoever read the output has gone, as in `npm start | head`.
  for (const output of [process.stdout, process.stderr]) output.on('error', () => stopping.abort('SIGPIPE'));
  try {
    const bus = await openBus(options.database, options.reset);
    try {
      const summary = await run(bus, options, report, stopping.signal);
      report.summary(summary);
      if (summary.interrupted) return exitCodes[stopping.signal.reason as 'SIGINT' | 'SIGPIPE' | 'SIGTERM'];
      return options.strict && summary.bad > 0 ? exitCodes.failed : exitCodes.done;
    } finally {
      await bus.close();
    }
  } catch (error) {
    report.problem(`quickstart: ${(error as Error).message}`);
    return exitCodes.failed;
  }
}

process.exitCode = await main(process.argv.slice(2));
