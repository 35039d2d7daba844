import { createVirtualClock } from '@hexbus/testkit';
import { describe, expect, it } from 'vitest';
import { OpenCalls } from '../../src/gateway/nodes/open-calls.ts';
import { rejection } from '../support/buses.ts';
import { deferred } from '../support/deferred.ts';

const endless = { timeoutMs: Number.POSITIVE_INFINITY };

describe('a call to somebody who may never answer', () => {
  it('settles as the answer does, and leaves no timer and no listener', async () => {
    const clock = createVirtualClock();
    const calls = new OpenCalls(clock);
    const { signal } = new AbortController();
    const options = { timeoutMs: 100, signal };
    const trouble = new Error('no');
    expect(
      await calls.wait(
        async () => 7,
        options,
        () => 0,
      ),
    ).toBe(7);
    const failed = [
      () => Promise.reject(trouble),
      () => {
        throw trouble;
      },
    ];
    for (const call of failed) expect(await rejection(calls.wait(call, options, () => 0))).toBe(trouble);
    expect(clock.pendingTimers).toBe(0);
  });

  it.each(['late', 'aborted', 'ended'] as const)('that is given up is told why: %s', async (why) => {
    const clock = createVirtualClock();
    const calls = new OpenCalls(clock);
    const controller = new AbortController();
    const answer = deferred<string>();
    const options = { timeoutMs: why === 'late' ? 100 : Infinity, signal: controller.signal };
    const told: string[] = [];
    const waited = calls.wait(
      () => answer.promise,
      options,
      (reason) => {
        told.push(reason);
        return reason;
      },
    );
    if (why === 'late') await clock.advance(100);
    else if (why === 'aborted') controller.abort();
    else calls.end();
    controller.abort();
    calls.end();
    answer.resolve('answered');
    expect(await waited).toBe(why);
    expect(told).toEqual([why]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('that is given up rejects with what is thrown for it', async () => {
    const calls = new OpenCalls(createVirtualClock());
    const trouble = new Error('too late');
    const waited = calls.wait(
      () => new Promise(() => {}),
      endless,
      () => {
        throw trouble;
      },
    );
    calls.end();
    expect(await rejection(waited)).toBe(trouble);
  });

  it('is not made behind the end', async () => {
    const calls = new OpenCalls(createVirtualClock());
    calls.end();
    let made = 0;
    expect(
      await calls.wait(
        async () => String(made++),
        endless,
        (why) => why,
      ),
    ).toBe('ended');
    expect(
      await calls.wait(
        async () => String(made++),
        { ...endless, signal: AbortSignal.abort() },
        (why) => why,
      ),
    ).toBe('ended');
    expect(made).toBe(0);
  });
});
