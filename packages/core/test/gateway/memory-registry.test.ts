import { createMemoryRegistry } from '@hexbus/core/gateway';
import { createVirtualClock, registrySuite } from '@hexbus/testkit';
import { describe, expect, it, test } from 'vitest';

const property = { runs: process.env['HEXBUS_DEEP'] === '1' ? 20_000 : 1_000 };

registrySuite(
  { describe, it },
  { name: 'memory', create: ({ clock }) => createMemoryRegistry({ clock, leaseMs: 5_000 }), property },
);

const entry = {
  id: '1',
  node: 'n',
  session: 's',
  transport: 'ws',
  capabilities: [],
  connectedAt: 0,
  generation: 1,
} as const;

test('a clock that steps back neither ends a lease nor prolongs it', async () => {
  const clock = createVirtualClock();
  const registry = createMemoryRegistry({ clock, leaseMs: 1_000 });
  await registry.open('n');
  await registry.register(entry);
  clock.jump(-3_600_000);
  for (let looks = 0; looks < 4; looks++) {
    expect(await registry.find({})).toHaveLength(1);
    clock.jump(250);
  }
  expect(await registry.find({})).toHaveLength(0);
});

test('a process that stood still, or whose clock was set forward, takes no node for dead that could not renew meanwhile', async () => {
  const clock = createVirtualClock();
  const registry = createMemoryRegistry({ clock, leaseMs: 1_000 });
  await registry.open('n');
  await registry.register(entry);
  await clock.advance(333);
  clock.jump(3_600_000);
  expect(await registry.find({})).toHaveLength(1);
  await registry.register({ ...entry, id: '2' });
  expect(await registry.renew('n')).toBe(false);
  expect(await registry.find({})).toHaveLength(2);
});

test('a node that renews no more is dead after its lease, however seldom anybody asks, and then the registry rests', async () => {
  const clock = createVirtualClock();
  const registry = createMemoryRegistry({ clock, leaseMs: 1_000 });
  await registry.open('n');
  await registry.register(entry);
  await clock.advance(1_000);
  expect(clock.pendingTimers).toBe(0);
  expect(await registry.find({})).toHaveLength(0);
  expect(await registry.renew('n')).toBe(true);
  await registry.close('n');
  expect(clock.pendingTimers).toBe(0);
});

test.each([0, -1, Number.NaN, Infinity, '15000'])('a lease of %j is refused', (leaseMs) => {
  expect(() => createMemoryRegistry({ leaseMs: leaseMs as number })).toThrow(
    expect.objectContaining({ code: 'HEXBUS_CONFIG', message: expect.stringMatching(/^leaseMs /) }),
  );
});
