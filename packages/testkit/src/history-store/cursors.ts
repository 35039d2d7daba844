import { checkSame } from '../support/check.ts';
import type { Rule } from '../support/rule.ts';
import type { HistoryLab } from './lab.ts';

const cursor = { name: 'billing', epoch: 'an-old-one', position: 4711, filter: ['order.>', 'a', 'order.*'] };

export const cursorRules: readonly Rule<HistoryLab>[] = [
  {
    id: 'HS-76',
    sentence:
      'A cursor is loaded word for word as it was committed: its epoch, also an old one, its position and its filter in that order.',
    async check(lab) {
      const history = await lab.open();
      const empty = { name: 'é 🚌', epoch: history.epoch, position: 0, filter: [] };
      await history.write({ commitCursors: [cursor, empty] });
      checkSame(await history.store.loadCursor('billing'), cursor, 'billing');
      checkSame(await history.store.loadCursor('é 🚌'), empty, 'é 🚌');
    },
  },
  {
    id: 'HS-77',
    sentence:
      'A commit replaces the cursor of that name, also by a lower position, and touches no other; the last of a batch wins.',
    async check(lab) {
      const history = await lab.open();
      const other = { ...cursor, name: 'other' };
      await history.write({ commitCursors: [cursor, other] });
      const lower = { ...cursor, epoch: history.epoch, position: 1, filter: ['a'] };
      await history.write({ commitCursors: [{ ...cursor, position: 9 }, lower] });
      checkSame(await history.store.loadCursor('billing'), lower, 'billing');
      checkSame(await history.store.loadCursor('other'), other, 'other');
    },
  },
  {
    id: 'HS-78',
    sentence: 'An unknown or deleted cursor is undefined; deleting an unknown one does nothing.',
    async check(lab) {
      const history = await lab.open();
      checkSame(await history.store.loadCursor('billing'), undefined, 'an unknown cursor');
      await history.write({ commitCursors: [cursor, { ...cursor, name: 'other' }] });
      await history.write({ deleteCursors: ['billing', 'unknown'] });
      checkSame(await history.store.loadCursor('billing'), undefined, 'a deleted cursor');
      checkSame(await history.store.loadCursor('other'), { ...cursor, name: 'other' }, 'another cursor');
    },
  },
];
