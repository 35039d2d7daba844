import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { root } from './repository.ts';

export interface Snippet {
  /** Where it stands: `README.md:12`. */
  readonly place: string;
  readonly code: string;
  readonly runs: boolean;
}

/** What a snippet says that it prints: the comment lines behind a last `// prints:`; undefined when it says nothing. */
export function promisedOutput(code: string): string | undefined {
  const lines = code.split('\n');
  const start = lines.indexOf('// prints:');
  if (start < 0) return undefined;
  return lines
    .slice(start + 1)
    .map((line) => line.replace(/^\/\/ ?/, ''))
    .join('\n');
}

/** The TypeScript blocks of a page. A fence that is almost one is an error, so that no snippet goes unchecked by accident. */
export function snippetsOf(path: string, markdown: string): Snippet[] {
  const snippets: Snippet[] = [];
  let open: { fence: string; info: string; line: number; indent: string; code: string[] } | undefined;
  for (const [index, line] of markdown.split('\n').entries()) {
    const [, indent = '', fence = '', info = ''] = /^(\s*)(`{3,}|~{3,})\s*(.*?)\s*$/.exec(line) ?? [];
    if (open === undefined) {
      if (fence !== '') open = { fence, info, indent, line: index + 1, code: [] };
    } else if (info === '' && fence.startsWith(open.fence)) {
      const place = `${path}:${open.line}`;
      if (open.info === 'ts' || open.info === 'ts no-run') {
        snippets.push({ place, code: open.code.join('\n'), runs: open.info === 'ts' });
      } else if (/^(ts|mts|tsx|typescript)\b/i.test(open.info)) {
        throw new Error(`${place}: write "ts" or "ts no-run", not "${open.info}"`);
      }
      open = undefined;
    } else {
      open.code.push(line.startsWith(open.indent) ? line.slice(open.indent.length) : line);
    }
  }
  if (open !== undefined) throw new Error(`${path}:${open.line}: the block does not end`);
  return snippets;
}

/** A folder inside the repository, so that a snippet's imports resolve as in a user's project. */
export class SnippetFolder {
  readonly #folder: string;

  constructor() {
    mkdirSync(join(root, '.snippets'), { recursive: true });
    this.#folder = mkdtempSync(join(root, '.snippets', 'run-'));
  }

  /** The type errors of each snippet, in the same order, as `place + line: message`. */
  typeErrors(snippets: readonly Snippet[]): string[][] {
    const files = snippets.map((snippet, index) => this.#write(snippet, index));
    const config = ts.readConfigFile(join(root, 'tsconfig.base.json'), ts.sys.readFile);
    const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root, {
      composite: false,
      declaration: false,
      declarationMap: false,
      emitDeclarationOnly: false,
      isolatedDeclarations: false,
      noEmit: true,
      noPropertyAccessFromIndexSignature: false,
      skipLibCheck: true,
      types: ['node'],
    });
    const program = ts.createProgram(files, { ...options, moduleDetection: ts.ModuleDetectionKind.Force });
    const global = [...program.getOptionsDiagnostics(), ...program.getGlobalDiagnostics()];
    return files.map((file) => {
      const source = program.getSourceFile(file);
      const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
      return [...global, ...found].map(describe);
    });
  }

  /** Runs a snippet to its end, in a folder of its own; the reason when it did not end well, else undefined. */
  run(snippet: Snippet, timeoutMs: number): string | undefined {
    const cwd = mkdtempSync(join(this.#folder, 'cwd-'));
    const file = join(cwd, 'snippet.ts');
    writeFileSync(file, snippet.code);
    const args = ['--conditions=hexbus-source', '--unhandled-rejections=strict', file];
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd,
      encoding: 'utf8',
      timeout: timeoutMs,
    });
    if (signal !== null) return `did not end within ${timeoutMs} ms\n${stderr}`;
    if (status !== 0) return stderr;
    const promised = promisedOutput(snippet.code);
    if (promised === undefined || promised === stdout.trimEnd()) return undefined;
    return `says that it prints\n${promised}\nbut prints\n${stdout}`;
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #write(snippet: Snippet, index: number): string {
    const file = join(this.#folder, `${index}.ts`);
    writeFileSync(file, snippet.code);
    return file;
  }
}

function describe({ file, start, messageText }: ts.Diagnostic): string {
  const message = ts.flattenDiagnosticMessageText(messageText, '\n');
  if (file === undefined || start === undefined) return message;
  return `line ${file.getLineAndCharacterOfPosition(start).line + 1} of the block: ${message}`;
}
