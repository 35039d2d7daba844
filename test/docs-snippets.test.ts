import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { filesBelow, packageFolders, readText } from './support/repository.ts';
import { type Snippet, SnippetFolder, snippetsOf } from './support/snippets.ts';

// The rule: a ```ts block is a complete module that runs to its end; one that says ```ts no-run is only type checked.
// A block that ends with the line `// prints:` and further comment lines prints exactly these.
// Node 20 cannot run TypeScript, so there the blocks are type checked and the newer versions run them.
const canRun = Boolean(process.features.typescript);
const runTimeoutMs = 20_000;

const pages = ['README.md', ...filesBelow('docs', /\.md$/), ...packageFolders.map((folder) => `${folder}/README.md`)];
const snippets = pages.flatMap((page) => snippetsOf(page, readText(page)));

let folder: SnippetFolder;
let errors: string[][];
beforeAll(() => {
  folder = new SnippetFolder();
  errors = folder.typeErrors(snippets);
});
afterAll(() => {
  folder.remove();
});

test.each(snippets.map(({ place }, index) => ({ place, index })))('$place type checks', ({ index }) => {
  expect(errors[index]).toEqual([]);
});

test.runIf(canRun).each(snippets.filter(({ runs }) => runs))('$place runs', (snippet) => {
  expect(folder.run(snippet, runTimeoutMs)).toBeUndefined();
});

describe('the check itself', () => {
  const page = (...lines: string[]): Snippet[] => snippetsOf('page.md', ['text', ...lines].join('\n'));

  test('finds the blocks, their places and whether they run', () => {
    const found = page(
      '```ts',
      'const a = 1;',
      '```',
      '- in a list:',
      '  ```ts no-run',
      '  b();',
      '  ```',
      '```sh',
      'ls',
      '```',
    );
    expect(found).toEqual([
      { place: 'page.md:2', code: 'const a = 1;', runs: true },
      { place: 'page.md:6', code: 'b();', runs: false },
    ]);
  });

  test('refuses a fence that it would have to guess about', () => {
    expect(() => page('```typescript', '```')).toThrow('page.md:2');
    expect(() => page('```ts', 'const a = 1;')).toThrow('does not end');
  });

  test('sees a wrong type, a missing export and correct code', () => {
    const found = folder.typeErrors([
      { place: 'a', runs: true, code: 'const text: string = 1;\nexport { text };' },
      { place: 'b', runs: true, code: "import { noSuchExport } from '@hexbus/core';\nnoSuchExport();" },
      { place: 'c', runs: true, code: "import * as core from '@hexbus/core';\nawait Promise.resolve(core);" },
    ]);
    expect(found).toEqual([
      [expect.stringContaining("line 1 of the block: Type 'number' is not assignable")],
      [expect.stringContaining('noSuchExport')],
      [],
    ]);
  });

  test.runIf(canRun)('sees code that throws and code that does not end', () => {
    const run = (code: string, timeoutMs: number): string | undefined =>
      folder.run({ place: 'a', runs: true, code }, timeoutMs);
    expect(run("import '@hexbus/core';\nconst n: number = 1;\nexport { n };", runTimeoutMs)).toBeUndefined();
    expect(run("throw new Error('planted');", runTimeoutMs)).toContain('planted');
    expect(run('setInterval(() => undefined, 1000);', 500)).toContain('did not end within 500 ms');
  });

  test.runIf(canRun)('sees code that prints something else than it says', () => {
    const run = (...lines: string[]): string | undefined =>
      folder.run({ place: 'a', runs: true, code: lines.join('\n') }, runTimeoutMs);
    expect(run("console.log('a\\nb');", '// prints:', '// a', '// b')).toBeUndefined();
    expect(run("console.log('a');", '// prints:', '// b')).toContain('says that it prints');
    expect(run("console.log('a');", '// prints:')).toContain('says that it prints');
  });
});
