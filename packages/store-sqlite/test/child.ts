// A program of its own on a history file: `hold` keeps it open, `write` appends to it without end. Ends when its input does.
import { once } from 'node:events';
import { createHistoryOf } from './support.ts';

const [mode, file, durability] = process.argv.slice(2) as ['hold' | 'write', string, 'commit' | 'os'];
const store = createHistoryOf(file, { durability });

let running = true;
const inputEnded = once(process.stdin, 'end').then(() => {
  running = false;
});
process.stdin.resume();

const say = (line: string | number): Promise<void> =>
  new Promise((resolve) => {
    process.stdout.write(`${line}\n`, () => resolve());
  });

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

try {
  const { epoch, position } = await store.open({
    retention: [
      { kind: 'until-handled', pattern: 'wait.>', maxCount: 1000, maxAgeMs: Infinity, overflow: 'reject' },
      { kind: 'limits', pattern: '>', maxCount: 50, maxAgeMs: Infinity },
    ],
    deduplication: { maxIds: 100, maxAgeMs: 60_000 },
  });
  await say('open');
  let last = position;
  for (let count = 1; running; count++) {
    await (mode === 'hold' ? inputEnded : nextTurn());
    if (!running) break;
    const { head } = await store.write({
      epoch,
      append: [
        {
          topic: `order.${count % 7}`,
          id: `o-${position}-${count}`,
          body: JSON.stringify('x'.repeat(300)),
          deduplicate: true,
        },
        { topic: 'wait.here', id: `w-${position}-${count}`, body: '1', deduplicate: false },
      ],
      settle: [{ outcome: 'handled', topic: 'wait.here', position: last }],
      commitCursors: [{ name: 'reader', epoch, position: last, filter: ['order.>'] }],
      deleteCursors: [],
    });
    last = head;
    await say(head);
  }
  await store.close();
} catch (error) {
  await say((error as { code?: string }).code ?? String(error));
}
process.exit();
