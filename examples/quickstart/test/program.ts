import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { openBus } from '../history.ts';
import { lineOf } from '../publish.ts';
import type { Summary } from '../report.ts';

export const root: string = fileURLToPath(new URL('../../../', import.meta.url));
const main = fileURLToPath(new URL('../main.ts', import.meta.url));

/** Node 20 has neither node:sqlite nor a way to run TypeScript. */
export const canRun = Number(process.versions.node.split('.')[0]) >= 22;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running quickstart and what it has written so far. */
export class Program {
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  readonly #gate: Writable;
  readonly #written = { stdout: '', stderr: '' };
  readonly #waiting = new Set<() => void>();

  constructor(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.#child = spawn(command, args, {
      cwd: root,
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    for (const name of ['stdout', 'stderr'] as const) {
      this.#child[name]?.setEncoding('utf8').on('data', (text: string) => {
        this.#written[name] += text;
        for (const look of this.#waiting) look();
      });
    }
    this.#gate = this.#child.stdio[3] as Writable;
    // A program that ends early need not read what it was sent.
    for (const input of [this.#child.stdin, this.#gate]) input?.on('error', () => undefined);
    this.ended = new Promise((resolve, reject) => {
      this.#child.on('error', reject);
      this.#child.on('close', (code, signal) => resolve({ code, signal, ...this.#written }));
    });
  }

  send(text: string): void {
    this.#child.stdin?.write(text);
  }

  endInput(text = ''): void {
    this.#child.stdin?.end(text);
  }

  /** Lets a program go on that is held up, or will be. */
  letGo(): void {
    this.#gate.end('.');
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Resolves when the program has written this; rejects if it ends before. */
  async wrote(text: RegExp): Promise<void> {
    let look = (): void => undefined;
    const seen = new Promise<'seen'>((resolve) => {
      look = () => {
        if (text.test(this.#written.stdout) || text.test(this.#written.stderr)) resolve('seen');
      };
    });
    this.#waiting.add(look);
    look();
    const first = await Promise.race([seen, this.ended]);
    this.#waiting.delete(look);
    if (first !== 'seen') throw new Error(`ended before it wrote ${text}: ${JSON.stringify(first)}`);
  }
}

const flags = [...(process.features.typescript ? [] : ['--experimental-strip-types']), '--conditions=hexbus-source'];

export function startQuickstart(...args: string[]): Program {
  return new Program(process.execPath, [...flags, main, ...args]);
}

/** Where a quickstart is held up: so many writes to its history behind the output that contains this. */
export interface Hold {
  readonly behind: string;
  readonly writes: number;
}

/** One that comes no further than this by itself, however long nobody looks. */
export function startHeldQuickstart(hold: Hold, ...args: string[]): Program {
  const preload = ['--import', new URL('./hold.ts', import.meta.url).href];
  return new Program(process.execPath, [...flags, ...preload, main, ...args], { HEXBUS_HOLD: JSON.stringify(hold) });
}

/** Runs it to its end, with this as standard input. */
export function runQuickstart(args: readonly string[], input = ''): Promise<Ended> {
  const program = startQuickstart(...args);
  program.endInput(input);
  return program.ended;
}

export function summaryOf({ stdout, stderr }: Ended): Summary {
  try {
    return JSON.parse(stdout) as Summary;
  } catch {
    throw new Error(`no summary: ${stdout}${stderr}`);
  }
}

/** The lines of all records in a history, in its order. */
export async function storedLines(database: string): Promise<number[]> {
  const bus = await openBus(database, false);
  try {
    const lines: number[] = [];
    let page = await bus.read('record.>', { limit: 5_000 });
    while (page.messages.length > 0) {
      lines.push(...page.messages.map(({ id }) => lineOf(id)));
      page = await bus.read('record.>', { after: page.cursor, limit: 5_000 });
    }
    return lines;
  } finally {
    await bus.close();
  }
}

/** A new directory; `path` names a file in it. */
export function temporaryDirectory(): { path(name: string): string; remove(): void } {
  const directory = mkdtempSync(join(tmpdir(), 'hexbus-quickstart-'));
  return {
    path: (name) => join(directory, name),
    remove: () => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }),
  };
}
