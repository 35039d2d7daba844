import { help, type Options, readArguments, UsageError } from './arguments.ts';
import { startSwitchboard } from './server/switchboard.ts';

const exitCodes = { done: 0, failed: 1, wrongArguments: 2 } as const;

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
  // The second Ctrl-C finds no listener any more and ends the process at once.
  const ended = new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
  try {
    const switchboard = await startSwitchboard(options, (problem) => process.stderr.write(`switchboard: ${problem}\n`));
    process.stdout.write(`Switchboard: ${switchboard.address}\n`);
    await ended;
    await switchboard.close();
    return exitCodes.done;
  } catch (error) {
    process.stderr.write(`switchboard: ${(error as Error).message}\n`);
    return exitCodes.failed;
  }
}

process.exitCode = await main(process.argv.slice(2));
