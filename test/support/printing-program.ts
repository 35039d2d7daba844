import { type ChildProcess, spawn } from 'node:child_process';
import { root } from './repository.ts';

/** Node 20 has no WebSocket for clients, and cannot run TypeScript. */
export const canRunPrograms: boolean = Number(process.versions.node.split('.')[0]) >= 22;

/** A program that runs beside the test, and what it printed when it has ended. */
export class PrintingProgram {
  readonly ended: Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
  readonly #child: ChildProcess;

  constructor(command: string, args: readonly string[], cwd: string = root) {
    this.#child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    const printed = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      this.#child[name]?.setEncoding('utf8').on('data', (text: string) => {
        printed[name] += text;
      });
    }
    this.ended = new Promise((resolve, reject) => {
      this.#child.on('error', reject);
      this.#child.on('close', (code) => resolve({ code, ...printed }));
    });
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
