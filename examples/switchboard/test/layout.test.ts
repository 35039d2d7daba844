import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { useChromium } from '../../../test/support/chromium.ts';
import { canRunPrograms } from '../../../test/support/printing-program.ts';
import { openTab } from './support/open-tab.ts';
import type { Tab } from './support/tab.ts';
import { useSwitchboard } from './support/use-switchboard.ts';

const longText =
  'a sentence that is too long for one line of any window of this test, so that it has to be broken somewhere';

describe.runIf(canRunPrograms)('the layout of the switchboard', () => {
  const browser = useChromium();
  const switchboard = useSwitchboard();
  const open = async (user: string, width: number) => {
    const tab = await openTab(await browser.newUser(), switchboard.address, user, { mayLose: true });
    await tab.page.setViewportSize({ width, height: 700 });
    return tab;
  };

  /** Resolves when `seenBy` shows them. */
  const openFive = async (user: string, seenBy: Tab) => {
    const tabs = await Promise.all(Array.from({ length: 5 }, () => open(user, 1280)));
    for (const tab of tabs) await seenBy.row(user, await tab.name()).waitFor();
    return tabs;
  };

  test.each([360, 390, 800])('fits a window of %d pixels, with messages that wait', async (width) => {
    const ann = await open('ann', width);
    await ann.send('Dan', longText);
    await ann.send('Dan', 'w'.repeat(100));
    await ann.row('dan', longText, 'wwwww').waitFor();
    expect(await ann.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    const hidden = await ann.page.locator('.scroll').evaluate((table) => table.scrollWidth - table.clientWidth);
    expect(hidden).toBe(0);
  });

  test.each([390, 1280])('the header of a window of %d pixels is as high while the tab is cut', async (width) => {
    const ann = await open('ann', width);
    await ann.row('ann', 'WebSocket').waitFor();
    const connected = await heightOf(ann.page, '.top');
    await ann.page.getByRole('button', { name: /^Cut this tab/ }).click();
    await ann.cutOff();
    expect(await heightOf(ann.page, '.top')).toBe(connected);
    await ann.connected();
    await ann.switchTo('SSE');
    expect(await heightOf(ann.page, '.top')).toBe(connected);
  });

  test('the header and the captions have one line each in a window of 1280 pixels', async () => {
    const { page } = await open('ann', 1280);
    await page.getByText('0 answered · 0 timed out · 0 failed').waitFor();
    const lineHeight = await page.locator('.top .you').evaluate((line) => line.getBoundingClientRect().height);
    expect(await heightOf(page, '.top')).toBeLessThan(3 * lineHeight);
    const captions = await page.locator('figcaption').evaluateAll((all) => all.map((one) => one.clientHeight));
    expect(captions).toEqual([captions[0], captions[0], captions[0]]);
  });

  test.each([390, 800, 1280])('nothing to press moves in a window of %d pixels by what others do', async (width) => {
    const ann = await open('ann', width);
    await ann.row('ann', 'WebSocket').waitFor();
    const before = await placesOfControls(ann.page);
    const [bob] = await openFive('bob', ann);
    await ann.send('Cleo', longText);
    await ann.row('cleo', longText).waitFor();
    await bob?.ask(`Ann · ${await ann.name()}`, longText, '15 seconds');
    await ann.page.locator('form.question').waitFor();
    expect(await placesOfControls(ann.page)).toEqual(before);
  });

  test('somebody who comes between the press and the release of a button does not keep it from being pressed', async () => {
    const ann = await open('ann', 1280);
    // All of the page is in it. Of a window that has scrolled, the browser itself may keep in place what is seen.
    await ann.page.setViewportSize({ width: 1280, height: 3000 });
    await ann.page.getByRole('button', { name: 'Send', exact: true }).hover();
    await ann.page.mouse.down();
    await openFive('bob', ann);
    await ann.page.mouse.up();
    await ann.inbox.filter({ hasText: 'Ann Hello from here' }).waitFor();
  });

  test.each(['WebSocket', 'cut off'])('the state "%s" of a tab has a ground of its own', async (state) => {
    const [ann, bob] = [await open('ann', 1280), await open('bob', 1280)];
    const name = await bob.name();
    if (state === 'cut off') await bob.page.getByRole('button', { name: /^Cut this tab/ }).click();
    const badge = ann.row('bob', name, state).locator('.badge');
    expect(await badge.evaluate((element) => getComputedStyle(element).backgroundColor)).not.toBe('rgba(0, 0, 0, 0)');
  });
});

function heightOf(page: Page, selector: string): Promise<number> {
  return page.locator(selector).evaluate((element) => element.getBoundingClientRect().height);
}

/** Of all that a user can reach for in the panels, but for her answers to questions: how far it is from the top of the page. */
function placesOfControls(page: Page): Promise<readonly number[]> {
  return page
    .locator('main :is(button, select, input):not(.question *)')
    .evaluateAll((controls) => controls.map((control) => control.getBoundingClientRect().top + scrollY));
}
