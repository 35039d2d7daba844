import { afterAll, beforeAll } from 'vitest';
import { SwitchboardProgram, temporaryFolder } from './switchboard-program.ts';

/** A switchboard for all tests of a file, on a free port and in a new folder, which may be filled before. What it prints on standard error fails the file. */
export function useSwitchboard(fill?: (folder: string) => Promise<void>): { readonly address: string } {
  const folder = temporaryFolder();
  let program: SwitchboardProgram | undefined;
  let address = '';
  beforeAll(async () => {
    await fill?.(folder.path);
    program = new SwitchboardProgram(['--port', '0', '--data', folder.path]);
    address = await program.address();
  });
  afterAll(async () => {
    program?.kill('SIGINT');
    const ended = await program?.ended;
    folder.remove();
    if (ended !== undefined && (ended.code !== 0 || ended.stderr !== ''))
      throw new Error(`the switchboard had trouble: ${JSON.stringify(ended)}`);
  });
  return {
    get address() {
      return address;
    },
  };
}
