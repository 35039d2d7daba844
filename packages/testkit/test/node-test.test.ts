import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { historyStoreRules } from '@hexbus/testkit';
import { describe, expect, it } from 'vitest';

const stripsTypes = Number(process.versions.node.split('.')[0]) >= 22;

/** Runs a file from the sources, and returns what it prints. */
async function runNode(
  file: string,
  ...flags: string[]
): Promise<{ readonly code: number | null; readonly output: string }> {
  const path = fileURLToPath(new URL(`node/${file}`, import.meta.url));
  const child = spawn(process.execPath, ['--conditions=hexbus-source', ...flags, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, output };
}

describe.skipIf(!stripsTypes)('in plain Node', () => {
  it('node:test runs every rule, and a store without faults passes them', async () => {
    const { code, output } = await runNode('conformance.ts', '--test', '--test-reporter=tap');
    expect(output).toContain('# fail 0');
    for (const { id, sentence } of historyStoreRules) expect(output).toContain(`${id} ${sentence}`);
    expect(code).toBe(0);
  });

  it('HS-12 catches a promise that rejects with no listener', async () => {
    const { output } = await runNode('leaky.ts');
    const failures = new Map(JSON.parse(output) as [string, string][]);
    expect([...failures.keys()]).toEqual(['HS-12']);
    expect(failures.get('HS-12')).toContain('rejections that nobody listened to');
  });
});
