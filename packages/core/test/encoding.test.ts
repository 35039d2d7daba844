import { describe, expect, test, vi } from 'vitest';
import { rejection, useBuses } from './support/buses.ts';

const { open } = useBuses();

function nested(levels: number): unknown {
  let value: unknown = [];
  for (let level = 1; level < levels; level++) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}

const cycle: { child: { parent?: unknown } } = { child: {} };
cycle.child.parent = cycle;

const sparse: unknown[] = [1, 2];
sparse[3] = 4;

class Plain {
  readonly a = 1;

  toJSON(): this {
    return this;
  }
}

class Money {
  readonly cents: number;
  readonly #secret = 'hidden';

  constructor(cents: number) {
    this.cents = cents;
  }

  get secret(): string {
    return this.#secret;
  }
}

describe('a retained topic refuses, naming the path:', () => {
  test.each<[string, unknown, string, string]>([
    ['BigInt', 1n, 'body', 'a bigint'],
    ['BigInt inside', { items: [{ count: 1n }] }, 'body.items[0].count', 'a bigint'],
    ['a function', () => {}, 'body', 'a function'],
    ['a function inside', { a: { f: () => {} } }, 'body.a.f', 'a function'],
    ['a method of an object', { f() {} }, 'body.f', 'a function'],
    ['a symbol', Symbol('s'), 'body', 'a symbol'],
    ['a symbol inside', [Symbol('s')], 'body[0]', 'a symbol'],
    ['undefined', undefined, 'body', 'undefined'],
    ['undefined as a property', { a: 1, b: undefined }, 'body.b', 'undefined'],
    ['undefined in an array', [1, [undefined]], 'body[1][0]', 'undefined'],
    ['a hole in an array', { list: sparse }, 'body.list[2]', 'undefined'],
    ['NaN', NaN, 'body', 'the number NaN'],
    ['NaN inside', { a: [NaN] }, 'body.a[0]', 'the number NaN'],
    ['Infinity', { a: Infinity }, 'body.a', 'the number Infinity'],
    ['-Infinity', [-Infinity], 'body[0]', 'the number -Infinity'],
    ['a cycle', cycle, 'body.child.parent', 'a cycle'],
    ['a Map', { map: new Map([[1, 2]]) }, 'body.map', 'a Map'],
    ['a Set', new Set([1]), 'body', 'a Set'],
    ['a WeakMap', [new WeakMap()], 'body[0]', 'a WeakMap'],
    ['Headers', { sent: new Headers() }, 'body.sent', 'a Headers'],
    ['URLSearchParams', new URLSearchParams('a=1'), 'body', 'a URLSearchParams'],
    ['a Blob', [new Blob(['x'])], 'body[0]', 'a Blob'],
    ['a regular expression', { match: /x/ }, 'body.match', 'a RegExp'],
    ['an Error', { error: new TypeError('x') }, 'body.error', 'a Error'],
    ['a promise', { later: Promise.resolve(1) }, 'body.later', 'a Promise'],
    ['a typed array', { bytes: new Uint8Array(2) }, 'body.bytes', 'a Uint8Array'],
    ['a float array', new Float64Array(1), 'body', 'a Float64Array'],
    ['an ArrayBuffer', [new ArrayBuffer(1)], 'body[0]', 'a ArrayBuffer'],
    ['a DataView', { view: new DataView(new ArrayBuffer(1)) }, 'body.view', 'a DataView'],
    ['what toJSON gives', { a: { toJSON: () => ({ n: 1n }) } }, 'body.a.n', 'a bigint'],
    ['toJSON that gives undefined', [{ toJSON: () => undefined }], 'body[0]', 'undefined'],
    ['a date that is none', { at: new Date(NaN) }, 'body.at', 'an invalid Date'],
  ])('%s', async (_, body, path, what) => {
    const { bus, batches } = await open();
    const error = await rejection(bus.publish('order.x', body));
    expect(error).toMatchObject({ name: 'HexbusError', code: 'HEXBUS_INVALID_BODY', retryable: false });
    expect((error as Error).message).toBe(
      `"${path}" of order.x is ${what}, which JSON cannot carry; publish plain data`,
    );
    expect(batches).toEqual([]);
  });

  test('more than 64 levels, and carries 64', async () => {
    const { bus } = await open();
    await bus.publish('order.x', nested(64));
    expect((await bus.read('order.x')).messages[0]?.body).toEqual(nested(64));
    for (const levels of [65, 100, 100_000]) {
      expect(await rejection(bus.publish('order.x', nested(levels)))).toMatchObject({
        code: 'HEXBUS_INVALID_BODY',
        message: expect.stringContaining('deeper than 64'),
      });
    }
  });

  test('a body that cannot be looked into, with the reason as cause', async () => {
    const { bus } = await open();
    const reason = new Error('no');
    const throwing = {
      get a(): never {
        throw reason;
      },
    };
    expect(await rejection(bus.publish('order.x', throwing))).toMatchObject({
      code: 'HEXBUS_INVALID_BODY',
      cause: reason,
    });
    const endless = { toJSON: (): unknown => ({ again: { toJSON: endless.toJSON } }) };
    expect(await rejection(bus.publish('order.x', endless))).toMatchObject({ code: 'HEXBUS_INVALID_BODY' });
  });

  test('a body that is too large, counted in bytes of UTF-8, and carries it when the limit is raised', async () => {
    const megabyte = 'x'.repeat(1024 * 1024);
    const usual = await open();
    expect(await rejection(usual.bus.publish('order.x', megabyte))).toMatchObject({
      code: 'HEXBUS_BODY_TOO_LARGE',
      message: expect.stringMatching(/1048578 bytes.*262144/),
    });
    expect(usual.batches).toEqual([]);
    const raised = await open({ maxBodyBytes: 2 * 1024 * 1024 });
    await raised.bus.publish('order.x', megabyte);
    expect((await raised.bus.read('order.x')).messages[0]?.body).toBe(megabyte);
  });

  test.each([
    ['x', 1],
    ['é', 2],
    ['€', 3],
    ['😀', 4],
  ])('exactly what exceeds the limit: of %s, which takes %i bytes', async (character, bytes) => {
    const { bus } = await open({ maxBodyBytes: 10 * bytes + 2 });
    await bus.publish('order.x', character.repeat(10));
    expect(await rejection(bus.publish('order.x', `${character.repeat(10)}x`))).toMatchObject({
      code: 'HEXBUS_BODY_TOO_LARGE',
    });
  });
});

describe('a retained topic carries', () => {
  test.each<[string, unknown, unknown]>([
    ['null', null, null],
    ['false', false, false],
    ['zero and minus zero', [0, -0], [0, 0]],
    ['an empty text', '', ''],
    ['texts with quotes, breaks and zero', 'a"b\n\u0000\u2028', 'a"b\n\u0000\u2028'],
    ['a lone surrogate', '\ud800', '\ud800'],
    ['an array of arrays', [[], [[1]]], [[], [[1]]]],
    ['an object without a prototype', Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
    ['a Date, as text', { at: new Date(0) }, { at: '1970-01-01T00:00:00.000Z' }],
    ['what toJSON gives', { toJSON: () => ({ a: 1 }) }, { a: 1 }],
    ['an object whose toJSON gives itself', new Plain(), { a: 1 }],
    ['what toJSON gives, whose own toJSON is not asked', { toJSON: () => new Plain() }, { a: 1 }],
    ['own properties of a class instance', { price: new Money(5) }, { price: { cents: 5 } }],
    ['an instance of a subclass of Array', Object.assign(new (class extends Array<number> {})(), [1, 2]), [1, 2]],
    ['boxed values', [Object('a'), Object(1), Object(true)], ['a', 1, true]],
    ['a shared part that is no cycle', shared(), { left: { a: [1] }, right: { a: [1] } }],
  ])('%s', async (_, body, expected) => {
    const { bus } = await open();
    await bus.publish('order.x', body);
    expect((await bus.read('order.x')).messages[0]?.body).toEqual(expected);
  });

  test('a key __proto__ unchanged, and leaves Object.prototype alone', async () => {
    const { bus } = await open();
    const body: unknown = JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}');
    await bus.publish('order.x', body);
    const read = (await bus.read('order.x')).messages[0]?.body as object;
    expect(Object.keys(read)).toEqual(['__proto__', 'constructor']);
    expect(JSON.stringify(read)).toBe(JSON.stringify(body));
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
  });

  test('the body as it was at publish: what the caller changes later does not matter', async () => {
    const { bus } = await open();
    const body = { n: 1 };
    const publishing = bus.publish('order.x', body);
    body.n = 2;
    await publishing;
    expect((await bus.read('order.x')).messages[0]?.body).toEqual({ n: 1 });
  });
});

describe('a body is', () => {
  test('encoded once, whatever the number of subscriptions and of tries of the store', async () => {
    const { bus, probe } = await open();
    for (let n = 0; n < 3; n++) bus.subscribe('order.>', () => {});
    let read = 0;
    const body = { toJSON: () => ({ read: ++read }) };
    const stringify = vi.spyOn(JSON, 'stringify');
    try {
      await bus.publish('order.x', body);
      expect(stringify).toHaveBeenCalledTimes(1);
    } finally {
      stringify.mockRestore();
    }
    expect(probe.calls.filter((call) => call === 'write')).toHaveLength(1);
  });

  test('never encoded on a topic that is not retained, where it may be anything', async () => {
    const { bus } = await open();
    const body = { n: 1n, f: () => {}, map: new Map() };
    const seen: unknown[] = [];
    bus.subscribe('mouse.moved', (message) => seen.push(message.body));
    const stringify = vi.spyOn(JSON, 'stringify');
    try {
      bus.emit('mouse.moved', body);
      await bus.publish('mouse.moved', body);
      expect(stringify).not.toHaveBeenCalled();
    } finally {
      stringify.mockRestore();
    }
    expect(seen[0]).toBe(body);
    expect(seen[1]).toBe(body);
  });

  test('parsed on first use, and once for all subscriptions', async () => {
    const { bus } = await open();
    const bodies: unknown[] = [];
    const silent = bus.subscribe('order.x', (message) => message.id);
    const looking = [1, 2].map(() => bus.subscribe('order.y', (message) => bodies.push(message.body, message.body)));
    const parse = vi.spyOn(JSON, 'parse');
    try {
      await bus.publish('order.x', { a: 1 }, { headers: { h: '1' } });
      await silent.caughtUp();
      expect(parse).not.toHaveBeenCalled();
      await bus.publish('order.y', { a: 1 });
      await Promise.all(looking.map((one) => one.caughtUp()));
      expect(parse).toHaveBeenCalledTimes(1);
    } finally {
      parse.mockRestore();
    }
    expect(new Set(bodies).size).toBe(1);
  });
});

function shared(): object {
  const part = { a: [1] };
  return { left: part, right: part };
}
