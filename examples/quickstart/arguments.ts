import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

export interface Options {
  /** A path, `-` for standard input, or undefined: what is piped in, else the shipped file. */
  readonly input: string | undefined;
  readonly strict: boolean;
  readonly live: boolean;
  readonly listen: boolean;
  readonly stopAfter: number;
  readonly log: string | undefined;
  readonly show: number;
  readonly database: string;
  readonly reset: boolean;
  readonly json: boolean;
  readonly help: boolean;
}

export const shippedInput: string = fileURLToPath(new URL('data/time-zones.jsonl', import.meta.url));
const defaultDatabase = fileURLToPath(new URL('.data/quickstart.db', import.meta.url));

export const help = `Usage: npm run quickstart [-- OPTIONS]
       npm run quickstart -- --input FILE
       COMMAND | npm run quickstart

Reads JSON Lines and publishes each record to the topic record.TYPE, by its
"type". The records are kept in a SQLite file and wait there for their
listener, which is loaded afterwards and goes on at each start where it stopped.

Input
  --input FILE     Read FILE; - is standard input. Without it: what is piped in,
                   else the shipped data/time-zones.jsonl. Started again with the
                   same FILE, also after Ctrl-C or kill -9, nothing is published
                   twice. (A changed file is another input, and so is each pipe.)
  --strict         End with exit code 1 if a line was bad. Bad lines are named
                   and left out either way.

Listener
  --live           Load the listener first, so that it handles records while
                   they come in.
  --no-listen      Load no listener: what is published waits for the next start.
  --stop-after N   Stop the listener after N records.
  --log FILE       Append the id of each handled record to FILE.
  --show N         Print the first N records that the listener gets (5).

History
  --db FILE        Keep the history in FILE. Default, not seen by git:
                   examples/quickstart/.data/quickstart.db
  --reset          Begin with an empty history: deletes the file of --db.

Output
  --json           Print the summary as one JSON object on standard output, and
                   everything else on standard error.
  --help           Print this.

Exit codes: 0 done, 1 failed (or a bad line with --strict), 2 wrong arguments,
130 ended by Ctrl-C.
`;

/** Says what is wrong with the arguments, for the user to read. */
export class UsageError extends Error {}

export function readArguments(args: readonly string[]): Options {
  const values = parse(args);
  if (values['no-listen'] && (values.live || values['stop-after'] !== undefined || values.log !== undefined)) {
    throw new UsageError('--no-listen loads no listener, so --live, --stop-after and --log cannot go with it');
  }
  const { input } = values;
  return {
    input: input === undefined || input === '-' ? input : path('--input', input),
    strict: values.strict,
    live: values.live,
    listen: !values['no-listen'],
    stopAfter: count('--stop-after', values['stop-after'], Number.POSITIVE_INFINITY, 1),
    log: values.log === undefined ? undefined : path('--log', values.log),
    show: count('--show', values.show, 5, 0),
    database: values.db === undefined ? defaultDatabase : path('--db', values.db),
    reset: values.reset,
    json: values.json,
    help: values.help,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        input: { type: 'string' },
        strict: { type: 'boolean', default: false },
        live: { type: 'boolean', default: false },
        'no-listen': { type: 'boolean', default: false },
        'stop-after': { type: 'string' },
        log: { type: 'string' },
        show: { type: 'string' },
        db: { type: 'string' },
        reset: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** npm runs scripts in the folder of the package and tells where the user is. */
function path(option: string, value: string): string {
  if (value === '') throw new UsageError(`${option} is empty; give the path of a file`);
  return resolve(process.env['INIT_CWD'] ?? process.cwd(), value);
}

function count(option: string, value: string | undefined, fallback: number, least: number): number {
  if (value === undefined) return fallback;
  if (/^\d{1,15}$/.test(value) && Number(value) >= least) return Number(value);
  throw new UsageError(`${option} is ${JSON.stringify(value)}; use a whole number from ${least}`);
}
