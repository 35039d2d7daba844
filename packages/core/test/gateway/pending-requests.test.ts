import type { Outcome, WireReply } from '@hexbus/core/gateway';
import { createVirtualClock } from '@hexbus/testkit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PendingRequests } from '../../src/gateway/requests/pending-requests.ts';
import { mutate, type Patch } from './support/mutate.ts';
import { type PendingRequestsClass, runPending, stepsOfPending } from './support/pending-world.ts';

const runs = process.env['HEXBUS_DEEP'] === '1' ? 5_000 : 1_000;

function made(maxPending = 10): { readonly requests: PendingRequests; readonly cancelled: number[] } {
  const cancelled: number[] = [];
  const cancel = (id: number): void => void cancelled.push(id);
  return { requests: new PendingRequests({ clock: createVirtualClock(), maxPending, cancel }), cancelled };
}

/** How a request ends that is answered so. */
async function answeredBy(reply: unknown): Promise<Outcome> {
  const { requests } = made();
  const outcome = requests.ask(() => true, { timeoutMs: 100 });
  expect(requests.settle(1, reply as WireReply)).toBe(true);
  return outcome;
}

describe('a reply', () => {
  test('that is a result is a success with its body, also an empty one', async () => {
    expect(await answeredBy({ ok: true, body: { a: 1 } })).toEqual({ status: 'success', body: { a: 1 } });
    expect(await answeredBy({ ok: true, body: null })).toEqual({ status: 'success', body: null });
  });

  test.each([
    ['no-handler', 'no-handler'],
    ['remote-error', 'remote-error'],
    ['overloaded', 'overloaded'],
    ['cancelled', 'cancelled'],
    ['timeout', 'remote-error'],
    ['disconnected', 'remote-error'],
    ['something new', 'remote-error'],
  ])('that is an error %s is one of code %s', async (wire, code) => {
    const error = { code: wire, message: 'why', retryable: false };
    expect(await answeredBy({ ok: false, error })).toEqual({ status: 'error', code, message: 'why' });
  });

  test.each([
    { ok: false },
    { ok: false, error: null },
    { ok: false, error: { code: 7, message: 'm' } },
    { ok: 1 },
    {},
  ])('that is %j is invalid', async (reply) => {
    expect(await answeredBy(reply)).toMatchObject({ status: 'error', code: 'invalid-reply' });
  });
});

test('an uncounted request takes no place, and needs none', async () => {
  const { requests } = made(1);
  const uncounted = { timeoutMs: Infinity, isUncounted: true };
  const settled = [requests.ask(() => true, uncounted), requests.ask(() => true, { timeoutMs: Infinity })];
  settled.push(requests.ask(() => true, uncounted));
  expect(await requests.ask(() => true, { timeoutMs: 1 })).toMatchObject({ code: 'overloaded' });
  for (const id of [1, 2, 3]) requests.settle(id, { ok: true, body: id });
  expect(await Promise.all(settled)).toEqual([1, 2, 3].map((body) => ({ status: 'success', body })));
});

test('a request that was given up before it was made is not sent', async () => {
  const { requests, cancelled } = made();
  const outcome = await requests.ask(() => expect.fail('sent'), { timeoutMs: 1, signal: AbortSignal.abort() });
  expect(outcome).toMatchObject({ status: 'error', code: 'cancelled' });
  expect(cancelled).toEqual([]);
});

test('what send throws rejects, and nothing is left', async () => {
  const { requests } = made();
  const send = (): boolean => {
    throw new Error('planted');
  };
  await expect(requests.ask(send, { timeoutMs: 1 })).rejects.toThrow('planted');
  expect(requests.size).toBe(0);
});

async function property(Requests: PendingRequestsClass, parameters: fc.Parameters<unknown> = {}): Promise<void> {
  await fc.assert(
    fc.asyncProperty(stepsOfPending, (steps) => runPending(Requests, steps)),
    { numRuns: runs, includeErrorInReport: true, ...parameters },
  );
}

test('P29 to P32 hold for whatever happens in whatever order', () => property(PendingRequests));

const mutants: readonly (Patch & { readonly fault: string; readonly rule: string })[] = [
  {
    fault: 'an entry stays after it has ended',
    rule: 'P(29|30)',
    find: '    this.#pending.delete(id);\n    request.cancelTimer?.();',
    replace: '    request.cancelTimer?.();',
  },
  { fault: 'a timer stays', rule: 'P30', find: '    request.cancelTimer?.();\n', replace: '' },
  { fault: 'a listener stays', rule: 'P30', find: '    request.unlisten?.();\n', replace: '' },
  {
    fault: 'what waits at a disconnect waits for its timeout',
    rule: 'P(29|32)',
    find: 'for (const id of this.#pending.keys()) this.#end(id, disconnected);',
    replace: '',
  },
  {
    fault: 'requests after a disconnect are sent',
    rule: 'P(29|32)',
    find: 'if (!this.#connected) return Promise.resolve(disconnected);',
    replace: '',
  },
  { fault: 'ids are used again', rule: 'P29', find: '++this.#lastId', replace: 'this.#pending.size + 1' },
  {
    fault: 'any reply settles the oldest request',
    rule: 'P(29|30|31)',
    find: 'return this.#end(id, outcomeOf(reply));',
    replace: 'return this.#end([...this.#pending.keys()][0] ?? id, outcomeOf(reply));',
  },
  {
    fault: 'a reply is taken only once the request was sent',
    rule: 'P(29|30|32)',
    find: '      this.#pending.set(id, request);\n      try {\n        if (!send(id)) this.#end(id, disconnected);',
    replace:
      '      try {\n        const sent = send(id);\n        this.#pending.set(id, request);\n        if (!sent) this.#end(id, disconnected);',
  },
  {
    fault: 'what the connection did not take waits',
    rule: 'P(29|30|32)',
    find: 'if (!send(id)) this.#end(id, disconnected);',
    replace: 'send(id);',
  },
  { fault: 'giving up while it is sent is missed', rule: 'P29', find: 'if (signal.aborted) abort();', replace: '' },
  {
    fault: 'the peer is not told of what was given up',
    rule: 'P29',
    find: 'if (this.#end(id, cancelled)) this.#options.cancel(id);',
    replace: 'this.#end(id, cancelled);',
  },
  {
    fault: 'connections share their entries',
    rule: 'P(29|30|31|32)',
    find: 'readonly #pending = new Map<number, PendingRequest>();',
    replace: 'static all = new Map<number, PendingRequest>();\n  readonly #pending = PendingRequests.all;',
  },
  {
    fault: 'the bound is off by one',
    rule: 'P29',
    find: 'this.#placesTaken >= this.#options',
    replace: 'this.#placesTaken > this.#options',
  },
  {
    fault: 'Infinity is a timeout',
    rule: 'P(29|30)',
    find: 'timedOut), timeoutMs);',
    replace: 'timedOut), timeoutMs === Infinity ? 0 : timeoutMs);',
  },
];

test.each(mutants)('the property catches: $fault', async ({ rule, ...patch }) => {
  const module = await mutate<{ readonly PendingRequests: PendingRequestsClass }>(
    'gateway/requests/pending-requests.ts',
    patch,
  );
  const failure = await property(module.PendingRequests, { seed: 1, endOnFailure: true }).catch(String);
  expect(failure).toMatch(new RegExp(`Got error: ${rule} `));
});
