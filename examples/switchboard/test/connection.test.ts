import { describe, expect, test } from 'vitest';
import { useChromium } from '../../../test/support/chromium.ts';
import { canRunPrograms } from '../../../test/support/printing-program.ts';
import { noteCells } from './support/noted-cells.ts';
import { expectNothingMissing, openTab } from './support/open-tab.ts';
import { type Cell, rowSelector } from './support/tab.ts';
import { useSwitchboard } from './support/use-switchboard.ts';

describe.runIf(canRunPrograms)('the connection of a tab', () => {
  const browser = useChromium();
  const switchboard = useSwitchboard();

  test.each(['WebSocket', 'SSE'] as const)('is cut over %s, and is resumed with nothing missing', async (over) => {
    const ann = await openTab(await browser.newUser(), switchboard.address, 'ann', { mayLose: true });
    const bob = await openTab(await browser.newUser(), switchboard.address, 'bob');
    if (over === 'SSE') await ann.switchTo('SSE');
    const session = await ann.session();
    await ann.passed(await ann.newest());
    const before = await ann.newest();
    const [keptCells, fleetingCells] = [await noteCells(ann, 'pulse.kept'), await noteCells(ann, 'pulse.fleeting')];

    const cutAndBack = async (text: string): Promise<void> => {
      const seenByBob = await bob.noteShown(`${rowSelector(session)} [data-state=cut]`);
      await ann.cut();
      expect((await seenByBob()).text).toBe('cut off');
      await bob.send({ session }, text);

      await ann.connected(over);
      await bob.rowOf(session, over).waitFor();
      expect(await ann.session()).toBe(session);
      await ann.inbox.filter({ hasText: text }).waitFor();
      const newest = await bob.newest();
      await ann.passed(newest, 'pulse.kept');
      await ann.passed(newest, 'pulse.fleeting');
    };
    // What a server publishes that stands still during the cut is too little to tell anything.
    for (let cuts = 1; cuts <= 3 && widestGap(await fleetingCells()) < 8; cuts++)
      await cutAndBack(`while you were away, ${cuts}`);

    const kept = await keptCells();
    expectNothingMissing(kept);
    const late = kept.filter(({ number, state }) => number > before && state === 'late');
    expect(late.length).toBeGreaterThan(4);
    const missing = (await fleetingCells()).filter(({ state }) => state === 'missing');
    expect(missing.length).toBeGreaterThan(4);
    await ann.lane('pulse.kept').getByText('nothing missing').waitFor();
    await ann
      .lane('pulse.fleeting')
      .getByText(/^\d+ missing$/)
      .waitFor();
  });

  test('goes from WebSocket to SSE and back, in one session, with nothing missing', async () => {
    const ann = await openTab(await browser.newUser(), switchboard.address, 'ann');
    const bob = await openTab(await browser.newUser(), switchboard.address, 'bob');
    const session = await ann.session();
    for (const over of ['SSE', 'WebSocket', 'SSE'] as const) {
      await ann.switchTo(over);
      await bob.rowOf(session, over).waitFor();
      await bob.send('Ann', `over ${over}`);
      await ann.passed(await ann.newest());
    }
    expect(await ann.session()).toBe(session);
    expectNothingMissing(await ann.cells('pulse.kept'));
    await ann.inbox.nth(2).waitFor();
    const came = await ann.inbox.allTextContents();
    expect(came.map((text) => text.split(' ')[2])).toEqual(['SSE', 'WebSocket', 'SSE']);
    await ann.send('Bob', 'it works both ways');
    await bob.inbox.filter({ hasText: 'it works both ways' }).waitFor();
  });

  test('the numbers a second are those of the server, in every tab and over a reload', async () => {
    const ann = await openTab(await browser.newUser(), switchboard.address, 'ann');
    const bob = await openTab(await browser.newUser(), switchboard.address, 'bob');
    await ann.page.getByLabel('Numbers a second').selectOption('25');
    await bob.rate('25');
    await ann.page.reload();
    await ann.rate('25');
    await bob.page.getByLabel('Numbers a second').selectOption('4');
    await ann.rate('4');
  });

  test('falls behind while its handler is slow, and catches up, while other topics go on', async () => {
    const ann = await openTab(await browser.newUser(), switchboard.address, 'ann');
    const bob = await openTab(await browser.newUser(), switchboard.address, 'bob');
    const session = await bob.session();
    await bob.page.getByLabel('Numbers a second').selectOption('25');
    await bob.page.getByLabel('Handle slowly').check();
    await ann.behind(session, /^\d[\d,]+$/).waitFor();
    await bob.page.getByLabel('Numbers a second').selectOption('4');
    await bob.page.getByLabel('Handle slowly').uncheck();
    await ann.behind(session, /^\d$/).waitFor();
    expectNothingMissing(await bob.cells('pulse.kept'));
    expectNothingMissing(await bob.cells('pulse.fleeting'));
  });
});

/** How many numbers were published at most between two that came one after the other. */
function widestGap(cells: readonly Cell[]): number {
  const came = cells.filter(({ state }) => state !== 'missing');
  return Math.max(0, ...came.slice(1).map(({ number }, index) => number - (came[index]?.number ?? 0) - 1));
}
