import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SqliteDatabase } from '@hexbus/store-sqlite';

export const nodeMajor: number = Number(process.versions.node.split('.')[0]);

/** Opens a connection with one of the drivers that the history works on. */
export interface Driver {
  readonly name: string;
  open(file: string): SqliteDatabase;
}

const require = createRequire(import.meta.url);

/** None on Node 20: it has no node:sqlite, and better-sqlite3 13 ends the whole process there. */
export const drivers: readonly Driver[] =
  nodeMajor < 22
    ? []
    : [
        {
          name: 'node:sqlite',
          open: (file) => new (require('node:sqlite') as typeof import('node:sqlite')).DatabaseSync(file),
        },
        {
          name: 'better-sqlite3',
          open: (file) => new (require('better-sqlite3') as typeof import('better-sqlite3'))(file),
        },
      ];

/** A new directory for the files of one test file. */
export function temporaryDirectory(): { readonly path: string; file(name: string): string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'hexbus-sqlite-'));
  return { path, file: (name) => join(path, name), remove: () => rmSync(path, { recursive: true, force: true }) };
}
