import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConnectionLimits, type Release } from '../../src/gateway/admission/connection-limits.ts';

const limits = { maxConnections: 3, maxConnectionsPerAddress: 2, maxConnectionsPerUser: 1 };

describe('admit', () => {
  test('refuses beyond each limit, and names it', () => {
    const counts = new ConnectionLimits(limits);
    expect(counts.admit('a')).toBeTypeOf('function');
    expect(counts.admit('a')).toBeTypeOf('function');
    expect(counts.admit('a')).toBe('maxConnectionsPerAddress');
    expect(counts.admit('b')).toBeTypeOf('function');
    expect(counts.admit('c')).toBe('maxConnections');
  });

  test('a refusal takes no place', () => {
    const counts = new ConnectionLimits(limits);
    for (let tries = 0; tries < 5; tries++) counts.admit('a');
    expect(counts.admit('b')).toBeTypeOf('function');
  });

  test('a place is given back once, however often it is released', () => {
    const counts = new ConnectionLimits(limits);
    const release = counts.admit('a') as Release;
    counts.admit('a');
    for (let times = 0; times < 3; times++) release();
    expect(counts.admit('a')).toBeTypeOf('function');
    expect(counts.admit('a')).toBe('maxConnectionsPerAddress');
  });
});

test('claimUser counts users by themselves', () => {
  const counts = new ConnectionLimits(limits);
  const release = counts.claimUser('ann') as Release;
  expect(counts.claimUser('ann')).toBe('maxConnectionsPerUser');
  expect(counts.claimUser('constructor')).toBeTypeOf('function');
  release();
  expect(counts.claimUser('ann')).toBeTypeOf('function');
});

test('whatever is taken and released, counts are those of what is held, and nothing else is remembered', () => {
  const step = fc.record({
    kind: fc.constantFrom('admit', 'claim', 'release'),
    key: fc.constantFrom('a', 'b', '__proto__'),
    index: fc.nat(9),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const counts = new ConnectionLimits(limits);
      const held: { kind: string; key: string; release: Release }[] = [];
      const released: Release[] = [];
      const countOf = (kind: string, key?: string): number =>
        held.filter((one) => one.kind === kind && (key === undefined || one.key === key)).length;
      for (const { kind, key, index } of steps) {
        if (kind === 'release') {
          const one = held.splice(index, 1)[0];
          if (one !== undefined) released.push(one.release);
          // Those of before are released again too.
          for (const release of released) release();
          continue;
        }
        const isFull =
          kind === 'admit'
            ? countOf('admit') >= limits.maxConnections || countOf('admit', key) >= limits.maxConnectionsPerAddress
            : countOf('claim', key) >= limits.maxConnectionsPerUser;
        const release = kind === 'admit' ? counts.admit(key) : counts.claimUser(key);
        expect(typeof release).toBe(isFull ? 'string' : 'function');
        if (typeof release === 'function') held.push({ kind, key, release });
      }
      const keysOf = (kind: string): number =>
        new Set(held.filter((one) => one.kind === kind).map(({ key }) => key)).size;
      expect(counts.counted).toEqual({ addresses: keysOf('admit'), users: keysOf('claim') });
      for (const { release } of held) release();
      expect(counts.counted).toEqual({ addresses: 0, users: 0 });
    }),
  );
});
