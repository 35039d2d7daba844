import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../../../../test/support/repository.ts';

const main = join(root, 'examples/switchboard/main.ts');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The switchboard as a program that runs beside the test. */
export class SwitchboardProgram {
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  readonly #isGroup: boolean;
  readonly #printed = { stdout: '', stderr: '' };
  #look = (): void => undefined;

  /** `by`: on the Node of this test, or as its users start it. */
  constructor(args: readonly string[], by: 'node' | 'npm' = 'node') {
    const stripTypes = process.features.typescript ? [] : ['--experimental-strip-types'];
    const flags = [...stripTypes, '--disable-warning=ExperimentalWarning', '--conditions=hexbus-source'];
    const [command, leading] =
      by === 'npm' ? ['npm', ['start', '--silent', '--']] : [process.execPath, [...flags, main]];
    // npm has a group of its own, so that a signal reaches all of it, as Ctrl-C does in a terminal.
    this.#isGroup = by === 'npm';
    this.#child = spawn(command, [...leading, ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: this.#isGroup,
    });
    for (const name of ['stdout', 'stderr'] as const) {
      this.#child[name]?.setEncoding('utf8').on('data', (text: string) => {
        this.#printed[name] += text;
        this.#look();
      });
    }
    this.ended = new Promise((resolve, reject) => {
      this.#child.on('error', reject);
      this.#child.on('close', (code) => resolve({ code, ...this.#printed }));
    });
  }

  /** Resolves with the address that it prints; rejects if it ends before. */
  async address(): Promise<string> {
    const printed = new Promise<string>((resolve) => {
      this.#look = () => {
        const [, address] = /^Switchboard: (\S+)\n/.exec(this.#printed.stdout) ?? [];
        if (address !== undefined) resolve(address);
      };
    });
    this.#look();
    const first = await Promise.race([printed, this.ended]);
    if (typeof first === 'string') return first;
    throw new Error(`ended before it printed its address: ${JSON.stringify(first)}`);
  }

  kill(signal: NodeJS.Signals): void {
    const { pid, exitCode, signalCode } = this.#child;
    const runs = pid !== undefined && exitCode === null && signalCode === null;
    if (runs) process.kill(this.#isGroup ? -pid : pid, signal);
  }
}

/** A new folder; `remove` when nothing uses it any more. */
export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'hexbus-switchboard-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 3 }) };
}
