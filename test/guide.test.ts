import { type Bus, busDefaults, createBus } from '@hexbus/core';
import { createMemoryHistory } from '@hexbus/store-memory';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { busIn, outcomeOf } from './support/bus-states.ts';
import { readText } from './support/repository.ts';
import { defaultRows, tablesBelow } from './support/tables.ts';

const guide = readText('docs/guide.md');

test('the table of defaults holds every default with its value, and no other', () => {
  const [rows = []] = tablesBelow(guide, '## Defaults and limits');
  const listed = rows.slice(1).map(([name = '', value = '']) => [name.replaceAll('`', ''), value]);
  expect(listed).toEqual(defaultRows(busDefaults));
});

test('the fixed limits are those of the page', () => {
  expect(guide).toContain('at most 512 characters; an `id`, `type` or `sender` 1 to 512; a durable name 1 to 256.');
  const bus = createBus({ history: createMemoryHistory(), topics: { kept: { retain: { maxCount: 1 } } } });
  const [longest, longestName] = ['x'.repeat(512), 'x'.repeat(256)];
  const subscribeAs = (name: string) => (): unknown => bus.subscribe('kept', () => undefined, { name });
  expect(bus.emit(longest, 0)).toBe(false);
  expect(() => bus.emit(`${longest}x`, 0)).toThrow('at most 512');
  expect(subscribeAs(longestName)).not.toThrow();
  expect(subscribeAs(`${longestName}x`)).toThrow('256');
});

test.each(['id', 'type', 'sender'])('an %s has at most 512 characters', async (field) => {
  const bus = createBus();
  await bus.publish('any', 0, { [field]: 'x'.repeat(512) });
  await expect(bus.publish('any', 0, { [field]: 'x'.repeat(513) })).rejects.toThrow('512');
});

const nothing = (): void => undefined;

/** What each row of the table of verbs does to a bus. */
const calls: Readonly<Record<string, (bus: Bus) => unknown>> = {
  'open()': (bus) => bus.open(),
  'publish() retained': (bus) => bus.publish('kept', 1),
  'publish() not retained': (bus) => bus.publish('fleeting', 1),
  'emit() retained': (bus) => bus.emit('kept', 1),
  'emit() not retained': (bus) => bus.emit('fleeting', 1),
  'subscribe()': (bus) => bus.subscribe(['kept', 'fleeting'], nothing),
  'messages()': (bus) => void bus.messages('kept'),
  'on()': (bus) => bus.on('kept', nothing),
  'once()': (bus) => bus.once('kept', nothing),
  'off()': (bus) => bus.off('kept', nothing),
  'read()': (bus) => bus.read('kept'),
  'stats()': (bus) => bus.stats('kept'),
  'deadLetters()': (bus) => bus.deadLetters('held'),
  'requeue()': (bus) => bus.requeue('held'),
  'discard()': (bus) => bus.discard('held', [1]),
  'forget()': (bus) => bus.forget('name'),
  'observe()': (bus) => bus.observe('error', nothing),
  'close()': (bus) => bus.close(),
};

/** Where there is no history, no topic is retained. */
const onlyWithHistory = /(^|[^t]) retained$/;

const [withHistory = [], withoutHistory = []] = tablesBelow(guide, '### Verbs by state');

describe.each([
  ['with a history', withHistory, true],
  ['without a history', withoutHistory, false],
] as const)('the table of verbs %s', (_, [head = [], ...rows], has) => {
  const cells = rows.flatMap((row) =>
    head.slice(1, -1).map((state, index) => ({
      verb: (row[0] ?? '').replaceAll('`', ''),
      state,
      cell: row[index + 1],
    })),
  );

  test('has a row for every call', () => {
    const expected = Object.keys(calls).filter((verb) => has || !onlyWithHistory.test(verb));
    expect(rows.map(([verb = '']) => verb.replaceAll('`', ''))).toEqual(expected);
  });

  test.each(cells)('$verb, $state: $cell', async ({ verb, state, cell }) => {
    const { bus, release } = await busIn(state, has);
    try {
      expect(bus.state).toBe(state === 'busy' ? 'closing' : state);
      const outcome = outcomeOf(() => calls[verb]?.(bus));
      release();
      expect(await outcome).toBe(cell);
    } finally {
      release();
      await bus.close();
    }
  });
});

test('the table of verbs has every method of a bus', () => {
  const source = ts.createSourceFile('api.ts', readText('packages/core/src/bus/api.ts'), ts.ScriptTarget.Latest, true);
  const bus = source.statements.filter(ts.isInterfaceDeclaration).find(({ name }) => name.text === 'Bus');
  const methods = bus?.members.filter(ts.isMethodSignature).map(({ name }) => name.getText()) ?? [];
  const listed = Object.keys(calls).map((call) => call.replace(/\(\).*/, ''));
  expect(new Set(listed)).toEqual(new Set(methods));
});

test('the table of observers has every event', () => {
  const source = readText('packages/core/src/bus/observers.ts');
  const [, list = ''] = /observerNames: [^=]*= \[([^\]]*)\]/.exec(source) ?? [];
  const [rows = []] = tablesBelow(guide, '## Observers');
  const listed = rows.slice(1).map(([name = '']) => name.replaceAll('`', ''));
  expect(listed).toEqual([...list.matchAll(/'(\w+)'/g)].map(([, name]) => name));
});
