import { type ChildProcess, spawn } from 'node:child_process';
import { root } from './repository.ts';

/** Node 20 has no WebSocket for clients, and cannot run TypeScript. */
export const canRunPrograms: boolean = Number(process.versions.node.split('.')[0]) >= 22;

/** A program that runs beside the test, and what it has printed. */
export class PrintingProgram {
  readonly ended: Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
  readonly #child: ChildProcess;
  readonly #printed = { stdout: '', stderr: '' };
  #look: () => void = () => undefined;

  constructor(command: string, args: readonly string[]) {
    this.#child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
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

  /** Resolves when it has printed this much, or has ended before. */
  async hasPrinted(text: string): Promise<void> {
    const seen = new Promise<void>((resolve) => {
      this.#look = () => {
        if (this.#printed.stdout.includes(text)) resolve();
      };
    });
    this.#look();
    await Promise.race([seen, this.ended]);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
