import { createClient } from '@hexbus/client';
import type { Page } from 'playwright-core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { useChromium } from '../../../test/support/chromium.ts';
import { canRunPrograms } from '../../../test/support/printing-program.ts';
import { writeLongHistory } from './support/long-history.ts';
import { openTab } from './support/open-tab.ts';
import { rowSelector, type Tab } from './support/tab.ts';
import { useSwitchboard } from './support/use-switchboard.ts';

const longText =
  'a sentence that is too long for one line of any window of this test, so that it has to be broken somewhere';

describe.runIf(canRunPrograms)('the layout of the switchboard', () => {
  const browser = useChromium();
  // So that numbers and positions have as many digits as they get in time.
  const switchboard = useSwitchboard((folder) => writeLongHistory(folder, 12_000));
  const open = async (user: string, width: number) => {
    const tab = await openTab(await browser.newUser(), switchboard.address, user, { mayLose: true });
    await tab.page.setViewportSize({ width, height: 700 });
    return tab;
  };

  /** Resolves when `seenBy` shows them. */
  const openFive = async (user: string, seenBy: Tab) => {
    const tabs = await Promise.all(Array.from({ length: 5 }, () => open(user, 1280)));
    for (const tab of tabs) await seenBy.rowOf(await tab.session()).waitFor();
    return tabs;
  };

  /** Opens a tab that has handled none of the numbers that there ever were. */
  const openFarBehind = async () => {
    const client = createClient({ url: `${switchboard.address}hexbus`, transport: 'ws', token: 'dan' });
    onTestFinished(() => client.close());
    await client.open();
    expect(await client.request('report', { pulse: 0 })).toMatchObject({ status: 'success' });
  };

  /** A page that is ready, while the server has not said a word and never does. */
  const openUnanswered = async (width: number) => {
    const page = await browser.newPage();
    await page.setViewportSize({ width, height: 700 });
    await page.routeWebSocket(/\/hexbus\?/, () => undefined);
    await page.goto(`${switchboard.address}?user=ann`);
    await page.locator('#saved', { hasText: 'not loaded' }).waitFor();
    expect(await page.locator('#link-state').textContent()).toBe('Connecting');
    return page;
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
    await ann.rowOf(await ann.session(), 'WebSocket').waitFor();
    await ann.passed(12_000, 'pulse.fleeting');
    const places = await placesOfControls(ann.page);
    const connected = await heightOf(ann.page, '.top');
    const heights = await noteHeader(ann.page);
    await ann.cut();
    await ann.connected();
    await ann.switchTo('SSE');
    expect(await heightOf(ann.page, '.top')).toBe(connected);
    expect(await placesOfControls(ann.page)).toEqual(places);
    expect(await heights()).toEqual({ away: [connected], connected: [connected] });
  });

  test('the header and the captions have one line each in a window of 1280 pixels', async () => {
    const { page } = await open('ann', 1280);
    await firstSecond(page);
    await page.getByText('0 answered · 0 timed out · 0 failed').waitFor();
    const lineHeight = await page.locator('.top .you').evaluate((line) => line.getBoundingClientRect().height);
    expect(await heightOf(page, '.top')).toBeLessThan(3 * lineHeight);
    const captions = await page.locator('figcaption').evaluateAll((all) => all.map((one) => one.clientHeight));
    expect(captions).toEqual([captions[0], captions[0], captions[0]]);
  });

  test.each([390, 800, 1280])('nothing to press moves in a window of %d pixels by what others do', async (width) => {
    const atFirst = await placesOfControls(await openUnanswered(width));
    const ann = await open('ann', width);
    const session = await ann.session();
    const result = ann.page.locator('#post-result');
    await ann.rowOf(session, 'WebSocket').waitFor();
    await firstSecond(ann.page);
    await ann.passed(12_000);
    expect(await placesOfControls(ann.page)).toEqual(atFirst);

    const [bob, goes] = await openFive('bob', ann);
    await openFarBehind();
    await ann.page.getByRole('img', { name: /^Behind, the slowest tab: \d\d,\d{3} messages/ }).waitFor();
    await ann.send('Cleo', longText);
    await ann.row('cleo', longText).waitFor();
    await result.filter({ hasText: /^Nobody is there: it waits, kept at position \d\d,\d{3}\.$/ }).waitFor();
    await bob?.ask({ session }, longText, '60 seconds');
    await ann.page.locator('form.question').waitFor();
    expect(await placesOfControls(ann.page)).toEqual(atFirst);

    const gone = { session: (await goes?.session()) ?? '' };
    await ann.send(gone, 'are you off?');
    await goes?.page.close();
    await ann.choice('#post-target', gone.session).filter({ hasText: '(gone)' }).waitFor({ state: 'attached' });
    await ann.send(gone, 'too late?');
    await result.filter({ hasText: /kept at position \d\d,\d{3}, in case that tab comes back\.$/ }).waitFor();
    expect(await placesOfControls(ann.page)).toEqual(atFirst);
  });

  test.each([390, 800, 1280])('nor does it by what the page says of failures, in %d pixels', async (width) => {
    const page = await openUnanswered(width);
    const atFirst = await placesOfControls(page);
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await page.getByRole('button', { name: 'Send 5 steps here' }).click();
    await page.getByLabel('Numbers a second').selectOption('10');
    for (const [place, text] of [
      ['#post-result', 'Not sent: disconnected.'],
      ['#saved', 'Not sent: disconnected.'],
      ['#pulse-result', 'Not set: disconnected.'],
    ] as const)
      await page.locator(place, { hasText: text }).waitFor();
    expect(await placesOfControls(page)).toEqual(atFirst);
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
    const shown = state === 'cut off' ? 'cut' : 'connected';
    const badge = await ann.noteShown(`${rowSelector(await bob.session())} .badge[data-state=${shown}]`);
    if (state === 'cut off') await bob.cut();
    const { text, ground } = await badge();
    expect(text).toBe(state);
    expect(ground).not.toBe('rgba(0, 0, 0, 0)');
  });
});

function heightOf(page: Page, selector: string): Promise<number> {
  return page.locator(selector).evaluate((element) => element.getBoundingClientRect().height);
}

/** Notes from now on how high the header is in each state of the connection that it shows. */
async function noteHeader(page: Page): Promise<() => Promise<Readonly<Record<string, readonly number[]>>>> {
  const notes = await page.locator('.top').evaluateHandle((top) => {
    const heights: Record<string, number[]> = {};
    const look = (): void => {
      const state = top.querySelector<HTMLElement>('.link-state')?.dataset['state'] ?? '';
      const known = heights[state] ?? [];
      const { height } = top.getBoundingClientRect();
      if (!known.includes(height)) heights[state] = [...known, height];
    };
    new MutationObserver(look).observe(top, { subtree: true, childList: true, attributes: true, characterData: true });
    look();
    return heights;
  });
  return () => notes.jsonValue();
}

/** Resolves when what happened in a second has come. */
async function firstSecond(page: Page): Promise<void> {
  await page.locator('.bar.messages[d^=M]').first().waitFor({ state: 'attached' });
}

/** Of all that a user can reach for in the panels, but for her answers to questions: how far it is from the top of the page. */
function placesOfControls(page: Page): Promise<readonly number[]> {
  return page
    .locator('main :is(button, select, input):not(.question *)')
    .evaluateAll((controls) => controls.map((control) => control.getBoundingClientRect().top + scrollY));
}
