import { describe, expect, test } from 'vitest';
import { useChromium } from '../../../test/support/chromium.ts';
import { canRunPrograms } from '../../../test/support/printing-program.ts';
import { expectNothingMissing, openTab } from './support/open-tab.ts';
import { useSwitchboard } from './support/use-switchboard.ts';

describe.runIf(canRunPrograms)('the connection of a tab', () => {
  const browser = useChromium();
  const switchboard = useSwitchboard();

  test.each(['WebSocket', 'SSE'] as const)('is cut over %s, and is resumed with nothing missing', async (over) => {
    const ann = await openTab(await browser.newUser(), switchboard.address, 'ann', { mayLose: true });
    const bob = await openTab(await browser.newUser(), switchboard.address, 'bob');
    if (over === 'SSE') await ann.switchTo('SSE');
    const name = await ann.name();
    await ann.passed(await ann.newest());
    const before = await ann.newest();

    await ann.page.getByRole('button', { name: /^Cut this tab/ }).click();
    await ann.cutOff();
    await bob.row('ann', name, 'cut off').waitFor();
    await bob.send(`Ann · ${name}`, 'while you were away');

    await ann.connected(over);
    await bob.row('ann', name, over).waitFor();
    expect(await ann.name()).toBe(name);
    await ann.inbox.filter({ hasText: 'while you were away' }).waitFor();
    const newest = await bob.newest();
    await ann.passed(newest, 'pulse.kept');
    await ann.passed(newest, 'pulse.fleeting');

    const kept = await ann.cells('pulse.kept');
    expectNothingMissing(kept);
    const late = kept.filter(({ number, state }) => number > before && state === 'late');
    expect(late.length).toBeGreaterThan(4);
    const missing = (await ann.cells('pulse.fleeting')).filter(({ state }) => state === 'missing');
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
    const name = await ann.name();
    for (const over of ['SSE', 'WebSocket', 'SSE'] as const) {
      await ann.switchTo(over);
      await bob.row('ann', name, over).waitFor();
      await bob.send('Ann', `over ${over}`);
      await ann.passed(await ann.newest());
    }
    expect(await ann.name()).toBe(name);
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
    const name = await bob.name();
    await bob.page.getByLabel('Numbers a second').selectOption('25');
    await bob.page.getByLabel('Handle slowly').check();
    // Two digits or more.
    await ann.row('bob', new RegExp(`${name}(?: this one)?WebSocket\\d\\d`)).waitFor();
    await bob.page.getByLabel('Numbers a second').selectOption('4');
    await bob.page.getByLabel('Handle slowly').uncheck();
    await ann.row('bob', new RegExp(`${name}WebSocket\\ds`)).waitFor();
    expectNothingMissing(await bob.cells('pulse.kept'));
    expectNothingMissing(await bob.cells('pulse.fleeting'));
  });
});
