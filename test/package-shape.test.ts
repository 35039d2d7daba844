import { describe, expect, test } from 'vitest';
import { packageFolders, readPackage, readText } from './support/repository.ts';

const exact = /^\d+\.\d+\.\d+(-[\w.]+)?$/;

describe.each(packageFolders)('%s', (folder) => {
  const manifest = readPackage(folder);
  const name = `@hexbus/${folder.slice('packages/'.length)}`;

  test('is an ESM-only package without side effects, that ships its build only', () => {
    expect(manifest).toMatchObject({
      name,
      version: readPackage('.').version,
      description: expect.stringMatching(/\.$/),
      license: 'MIT',
      type: 'module',
      sideEffects: false,
      engines: { node: '>=20.19' },
      files: ['dist'],
    });
    expect(manifest['main'] ?? manifest['module'] ?? manifest['types']).toBeUndefined();
  });

  test('maps each entry to its source, its types and its build, in this order', () => {
    const { './package.json': self, ...entries } = manifest.exports ?? {};
    expect(self).toBe('./package.json');
    expect(Object.keys(entries)).toContain('.');
    for (const [entry, conditions] of Object.entries(entries)) {
      const file = entry === '.' ? 'index' : entry.slice('./'.length);
      expect(Object.entries(conditions)).toEqual([
        ['hexbus-source', `./src/${file}.ts`],
        ['types', `./dist/${file}.d.ts`],
        ['default', `./dist/${file}.js`],
      ]);
      expect(readText(`${folder}/tsup.config.ts`)).toContain(`'src/${file}.ts'`);
      expect(() => readText(`${folder}/src/${file}.ts`)).not.toThrow();
    }
  });

  test('loads from its sources', async () => {
    await expect(import(name)).resolves.toBeTypeOf('object');
  });

  test('has core as peer, and any other dependency pinned and justified in its README', () => {
    const peers = { ...manifest.peerDependencies };
    if (folder !== 'packages/core') {
      expect(peers).toHaveProperty('@hexbus/core', `^${manifest.version}`);
      expect(manifest.devDependencies).toEqual({ '@hexbus/core': manifest.version });
    }
    for (const [dependency, version] of Object.entries({ ...manifest.dependencies })) {
      expect(dependency).not.toMatch(/^@hexbus\//);
      expect(version).toMatch(exact);
      expect(readText(`${folder}/README.md`)).toMatch(new RegExp(`^- \`${dependency}\`: .+`, 'm'));
    }
  });

  test('has the scripts that every package has', () => {
    expect(Object.keys(manifest.scripts).sort()).toEqual(['build', 'check', 'lint', 'test', 'typecheck']);
  });

  test('has a README and the license', () => {
    expect(readText(`${folder}/README.md`)).toMatch(new RegExp(`^# ${name}\n`));
    expect(readText(`${folder}/LICENSE`)).toBe(readText('LICENSE'));
  });
});

describe('the workspace', () => {
  const manifest = readPackage('.');

  test('pins what it installs exactly', () => {
    for (const version of Object.values({ ...manifest.devDependencies, ...manifest.overrides })) {
      expect(version).toMatch(exact);
    }
    expect(manifest.dependencies).toBeUndefined();
  });

  test('locks no download address', () => {
    expect(readText('package-lock.json')).not.toMatch(/"resolved": "[a-z+]+:/);
  });

  test('builds and type checks every package, a package after what it imports', () => {
    const { references } = JSON.parse(readText('tsconfig.json')) as { references: { path: string }[] };
    const built = [...(manifest.scripts['build'] ?? '').matchAll(/-w (\S+)/g)].map((match) => match[1]);
    expect(built).toEqual(packageFolders);
    expect(packageFolders[0]).toBe('packages/core');
    for (const folder of packageFolders) {
      expect(references).toContainEqual({ path: folder });
      expect(references).toContainEqual({ path: `${folder}/tsconfig.test.json` });
    }
  });
});
