import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { Answer } from './commands.ts';

/** Node 20 has neither node:sqlite nor a way to run TypeScript. */
export const canRunPrograms: boolean = Number(process.versions.node.split('.')[0]) >= 22;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

/** A program of `../programs`, which does what it is told by `call`. Killed after the test. */
export class Child {
  readonly ended: Promise<Ended>;
  readonly #process: ChildProcess;
  readonly #calls = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>();
  #stderr = '';
  #lastId = 0;

  constructor(program: string, argument: object, flags: readonly string[] = []) {
    const stripTypes = process.features.typescript ? [] : ['--experimental-strip-types'];
    this.#process = fork(
      fileURLToPath(new URL(`../programs/${program}.ts`, import.meta.url)),
      [JSON.stringify(argument)],
      {
        execArgv: [...stripTypes, '--no-warnings', '--conditions=hexbus-source', ...flags],
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      },
    );
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    this.#process.on('message', ({ id, result, error }: Answer) => {
      const call = this.#calls.get(id);
      this.#calls.delete(id);
      if (error === undefined) call?.resolve(result);
      else call?.reject(new Error(error));
    });
    this.ended = new Promise((resolve, reject) => {
      this.#process.on('error', reject);
      this.#process.on('close', (code, signal) => {
        for (const call of this.#calls.values()) call.reject(new Error(`the program has ended: ${this.#stderr}`));
        this.#calls.clear();
        resolve({ code, signal, stderr: this.#stderr });
      });
    });
    onTestFinished(async () => {
      this.kill('SIGKILL');
      await this.ended;
    });
  }

  /** Rejects with what the program threw, or when it ends before it answers. */
  call<Result = void>(name: string, argument?: unknown): Promise<Result> {
    this.#lastId += 1;
    const id = this.#lastId;
    const answer = new Promise<Result>((resolve, reject) => {
      this.#calls.set(id, { resolve: resolve as (result: unknown) => void, reject });
    });
    // A program that has just been killed is told of by `ended`.
    this.#process.send({ id, name, argument }, () => undefined);
    return answer;
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }
}
