import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What stays when the process ends. */
export interface DataFolder {
  /** The file of the history. */
  readonly history: string;
  /** Signs the secrets of sessions: with the same key, tabs come back to their sessions after a restart. */
  readonly resumeKey: Uint8Array;
}

/** Makes the folder, and the key in it, when they are not there. */
export function openDataFolder(folder: string): DataFolder {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return { history: join(folder, 'switchboard.db'), resumeKey: readKey(join(folder, 'resume-key')) };
}

function readKey(file: string): Uint8Array {
  try {
    writeFileSync(file, randomBytes(32), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return readFileSync(file);
}
