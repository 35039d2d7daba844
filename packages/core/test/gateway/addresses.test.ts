import { assertTopic } from '@hexbus/core';
import type { Target } from '@hexbus/core/gateway';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressesOf, addressOf, isAddress } from '../../src/gateway/addresses.ts';

const session = 'urn:hexbus:session:0123';

describe('addressOf', () => {
  test.each<[Target, string]>([
    [{ all: true }, '@all'],
    [{ user: 'ann' }, '@user.ann'],
    [{ user: 'ann.b@example.org' }, '@user.ann%2Eb%40example%2Eorg'],
    [{ user: 'é 🚌' }, '@user.%C3%A9%20%F0%9F%9A%8C'],
    [{ user: "!*'()~>%" }, '@user.%21%2A%27%28%29%7E%3E%25'],
    [{ session }, '@session.urn%3Ahexbus%3Asession%3A0123'],
    [{ connection: 'A-b_9' }, '@connection.A-b_9'],
  ])('of %j is %s', (target, address) => {
    expect(addressOf(target)).toBe(address);
  });

  test('is a topic from which the id can be read again', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 30, unit: 'binary' }), (id) => {
        const address = addressOf({ user: id });
        assertTopic(address);
        expect(address).toMatch(/^@user\.[A-Za-z0-9_%-]+$/);
        expect(decodeURIComponent(address.slice('@user.'.length))).toBe(id);
      }),
    );
  });

  test.each<[unknown, RegExp]>([
    [{ user: '' }, /^target\.user is "";/],
    [{ session: 7 }, /^target\.session is 7;/],
    [{ user: null }, /^target\.user is null;/],
    [{ connection: '\udc00' }, /^target\.connection .*surrogate/],
    [{ user: 'x'.repeat(507) }, /^target\.user .*513 characters/],
    [{ user: 'é'.repeat(100) }, /^target\.user .*606 characters/],
    [{}, /^target names nobody/],
    [{ user: undefined }, /^target names nobody/],
    [{ all: false }, /^target names nobody/],
    [{ all: true, user: 'ann' }, /^target names more than one/],
    [{ user: 'ann', session }, /^target names more than one/],
  ])('refuses %j', (target, message) => {
    expect(() => addressOf(target as Target)).toThrow(
      expect.objectContaining({ code: 'HEXBUS_CONFIG', message: expect.stringMatching(message) }),
    );
  });

  test('takes an id that just fits', () => {
    expect(addressOf({ user: 'x'.repeat(506) })).toHaveLength(512);
  });
});

describe('addressesOf', () => {
  test('a connection are those by which it can be named', () => {
    const addresses = addressesOf({ id: 'c1', session, identity: { userId: 'ann' } });
    const targets: Target[] = [{ all: true }, { user: 'ann' }, { session }, { connection: 'c1' }];
    expect(addresses).toEqual(targets.map(addressOf));
  });

  test('a connection of nobody in particular has none of a user', () => {
    expect(addressesOf({ id: 'c1', session, identity: {} })).toEqual(
      [{ all: true } as const, { session }, { connection: 'c1' }].map(addressOf),
    );
  });

  test('names the field of a user whose id fits into none', () => {
    expect(() => addressesOf({ id: 'c1', session, identity: { userId: '' } })).toThrow(/^identity\.userId is ""/);
  });
});

test('isAddress tells what clients cannot name', () => {
  expect(['@all', '@user.ann', '@user.>', '@anything'].map(isAddress)).toEqual([true, true, true, true]);
  expect(['order.created', '>', '*.ann', 'a@b', ''].map(isAddress)).toEqual([false, false, false, false, false]);
});
