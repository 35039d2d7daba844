import { help, type Options, readArguments, UsageError } from './arguments.ts';
import { openBus } from './history.ts';
import { Quickstart } from './quickstart.ts';
import { Report } from './report.ts';

const exitCodes = { done: 0, failed: 1, wrongArguments: 2 } as const;

/** What ends the program early, and its exit code then. */
const signalCodes = { SIGINT: 130, SIGPIPE: 141, SIGTERM: 143 } as const;

async function main(args: readonly string[]): Promise<number> {
  let options: Options;
  try {
    options = readArguments(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\nnpm run quickstart -- --help lists what there is.\n`);
    return exitCodes.wrongArguments;
  }
  if (options.help) {
    process.stdout.write(help);
    return exitCodes.done;
  }

  const report = new Report(options);
  const stopping = new AbortController();
  const endedCode = (): number => signalCodes[stopping.signal.reason as keyof typeof signalCodes];
  // The second Ctrl-C finds no listener any more and ends the process at once.
  process.once('SIGINT', (name) => stopping.abort(name));
  process.once('SIGTERM', (name) => stopping.abort(name));
  // Whoever read the output has gone, as in `npm run quickstart | head`.
  for (const output of [process.stdout, process.stderr]) output.on('error', () => stopping.abort('SIGPIPE'));
  try {
    const bus = await openBus(options.database, options.reset);
    try {
      const summary = await new Quickstart(bus, options, report, stopping.signal).run();
      report.summary(summary);
      if (summary.interrupted) return endedCode();
      return options.strict && summary.bad > 0 ? exitCodes.failed : exitCodes.done;
    } finally {
      await bus.close();
    }
  } catch (error) {
    if ((error as Error).name === 'AbortError') return endedCode();
    report.problem(`quickstart: ${(error as Error).message}`);
    return exitCodes.failed;
  }
}

process.exitCode = await main(process.argv.slice(2));
