import { describe, expect, test } from 'vitest';
import { rejection } from '../support/buses.ts';
import { useBridges } from './bridges.ts';

const open = useBridges();

describe('beforePublish', () => {
  test('is given topic, body, config and message, in the order of reception', async () => {
    const calls: unknown[][] = [];
    const { source } = await open({ beforePublish: (...call) => void calls.push(call) as undefined });
    void source.say('Step', 1, 'm1');
    await source.give('Done', { body: 2, sender: 'ann' });
    expect(calls).toEqual([
      ['job.step', 1, { type: 'Step', topic: 'job.step', saveHistory: true }, { body: 1, id: 'm1' }],
      ['job.step', 2, { type: 'Done', topic: 'job.step', saveHistory: true }, { body: 2, sender: 'ann' }],
    ]);
  });

  test('may change the body, which is what listeners and afterPublish get', async () => {
    const { bus, source, log, settled, takeEnded } = await open({
      beforePublish: (_, body) => ({ body: Number(body) * 2 }),
    });
    bus.subscribe('job.step', log.handler('sub'));
    await source.say('Step', 21, 'm1');
    await settled();
    expect(log.take()).toEqual(['sub: job.step#1 Step 42']);
    expect(takeEnded()).toMatchObject([{ body: 42, result: { status: 'handled', id: '["Step","m1"]' } }]);
  });

  test('may veto, which afterPublish says; the source need not hand the message over again', async () => {
    const { bus, source, takeEnded } = await open({ beforePublish: (_, body) => body !== 'no' });
    await source.say('Step', 'no', 'm1');
    await source.say('Step', 'yes', 'm2');
    expect(takeEnded()).toEqual([
      {
        topic: 'job.step',
        body: 'no',
        type: 'Step',
        result: { status: 'dropped', why: 'vetoed', id: '["Step","m1"]' },
      },
    ]);
    expect(await bus.stats('job.step')).toMatchObject({ waiting: 1 });
  });

  test.each<[string, () => unknown, string]>([
    [
      'throws',
      () => {
        throw new Error('planted');
      },
      'HEXBUS_HANDLER_FAILED',
    ],
    ['returns a promise', async () => ({ body: 'late' }), 'HEXBUS_CONFIG'],
    ['answers with something else', () => 7, 'HEXBUS_CONFIG'],
  ])(
    'that %s lets nothing through, which is told: the source may hand the message over again',
    async (_, hook, code) => {
      let answer = hook;
      const { bus, source, takeEnded, takeBridgeErrors } = await open({ beforePublish: (() => answer()) as never });
      expect(await rejection(source.say('Step', 1, 'm1'))).toMatchObject({ code });
      expect(takeBridgeErrors()).toMatchObject([
        { error: { code }, type: 'Step', topic: 'job.step', id: '["Step","m1"]', retryable: true },
      ]);
      expect(takeEnded()).toEqual([]);
      expect(await bus.stats('job.step')).toMatchObject({ waiting: 0 });
      answer = () => true;
      await source.say('Step', 1, 'm1');
      expect(await bus.stats('job.step')).toMatchObject({ waiting: 1 });
    },
  );

  test('that answers later and fails is told twice, and leaves no rejection behind', async () => {
    const beforePublish = (() => Promise.reject(new Error('planted'))) as never;
    const { source, settled, takeBridgeErrors } = await open({ beforePublish });
    await rejection(source.say('Step', 1));
    await settled();
    const codes = takeBridgeErrors().map(({ error }) => (error as { code: string }).code);
    expect(codes.sort()).toEqual(['HEXBUS_CONFIG', 'HEXBUS_HANDLER_FAILED']);
  });
});

describe('afterPublish', () => {
  test.each([
    [
      'throws',
      () => {
        throw new Error('planted');
      },
    ],
    ['rejects', () => Promise.reject(new Error('planted'))],
  ])('that %s is told, and disturbs neither queue nor listeners', async (_, afterPublish) => {
    const { bus, source, log, settled, takeBridgeErrors } = await open({ afterPublish });
    bus.subscribe('job.step', log.handler('held'));
    bus.subscribe('hint', log.handler('hint'));
    await Promise.all([source.say('Step', 1), source.say('Step', 2), source.say('Hint', 3)]);
    await settled();
    expect(log.take().sort()).toEqual(['held: job.step#1 Step 1', 'held: job.step#2 Step 2', 'hint: hint Hint 3']);
    expect(await bus.stats('job.step')).toMatchObject({ waiting: 0 });
    expect(takeBridgeErrors()).toMatchObject([1, 2, 3].map(() => ({ error: { code: 'HEXBUS_HANDLER_FAILED' } })));
  });

  test('may publish, and may be left out', async () => {
    const { bus, source, log, settled } = await open({ afterPublish: (_, body) => void bus.publish('echo', body) });
    const other = await open({ afterPublish: undefined });
    bus.subscribe('job.step', () => undefined);
    bus.subscribe('echo', log.handler('echo'));
    other.bus.subscribe('job.step', other.log.handler('sub'));
    await Promise.all([source.say('Step', 1), other.source.say('Step', 2)]);
    await settled();
    await other.settled();
    expect([...log.take(), ...other.log.take()]).toEqual(['echo: echo 1', 'sub: job.step#1 Step 2']);
  });
});

test('an observer that throws is counted, and disturbs nothing', async () => {
  const { bridge, source, takeBridgeErrors } = await open({ beforePublish: (() => 7) as never });
  bridge.observe('error', () => {
    throw new Error('planted');
  });
  await rejection(source.say('Step', 1));
  await rejection(source.say('Step', 2));
  expect(takeBridgeErrors()).toMatchObject([{ observerFailures: 0 }, { observerFailures: 1 }]);
});
