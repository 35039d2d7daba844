import { expect, test } from 'vitest';

test('every workspace loads from its sources', async () => {
  for (const name of ['core', 'store-memory', 'store-sqlite', 'testkit']) {
    await expect(import(`@hexbus/${name}`)).resolves.toBeTypeOf('object');
  }
});
