import { tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

export interface Options {
  readonly port: number;
  readonly data: string;
  readonly help: boolean;
}

const defaultPort = 8787;

export const help: string = `Usage: npm start [-- OPTIONS]

Serves the switchboard, a page that shows what hexbus does, and prints its
address. Open it in a browser; open it for a second person in another tab.
Ctrl-C ends it. Started again, it goes on where it was, and so do open tabs.

  --port N      Listen on this port of 127.0.0.1 (${defaultPort}); 0 is any free one.
  --data DIR    Keep the history and a key in DIR. Default: a folder for each
                user below the temporary directory of the system.
  --help        Print this.
`;

/** Says what is wrong with the arguments, for the user to read. */
export class UsageError extends Error {}

export function readArguments(args: readonly string[]): Options {
  const { port, data, help } = parse(args);
  return {
    port: port === undefined ? defaultPort : portOf(port),
    data: data === undefined ? defaultFolder() : folderOf(data),
    help,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        port: { type: 'string' },
        data: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function portOf(value: string): number {
  if (/^\d{1,5}$/.test(value) && Number(value) < 65_536) return Number(value);
  throw new UsageError(`--port is ${JSON.stringify(value)}; use a number from 0 to 65535`);
}

/** npm runs scripts in the folder of the package and tells where the user is. */
function folderOf(value: string): string {
  if (value === '') throw new UsageError('--data is empty; give the path of a folder');
  return resolve(process.env['INIT_CWD'] ?? process.cwd(), value);
}

function defaultFolder(): string {
  return join(tmpdir(), `hexbus-switchboard-${userInfo().username}`);
}
