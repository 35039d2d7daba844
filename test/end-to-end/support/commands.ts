/** What a program is told, and what it answers. */
export interface Command {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

export interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** What a program was started with. */
export function argumentOf<Argument>(): Argument {
  return JSON.parse(process.argv[2] ?? '{}') as Argument;
}

/** Does what the test tells this program to do. After the first time, the program ends when it has nothing else open, or the test has gone. */
export function obey(commands: Readonly<Record<string, (argument: never) => unknown>>): void {
  process.on('message', async ({ id, name, argument }: Command) => {
    const answer = async (): Promise<Answer> => {
      try {
        return { id, result: await commands[name]?.(argument as never) };
      } catch (error) {
        return { id, error: String(error) };
      }
    };
    process.send?.(await answer());
    process.channel?.unref();
  });
  process.on('disconnect', () => process.exit(3));
}
