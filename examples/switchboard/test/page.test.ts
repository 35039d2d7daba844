import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { useChromium } from '../../../test/support/chromium.ts';
import { canRunPrograms } from '../../../test/support/printing-program.ts';
import { lowContrasts } from './support/contrast.ts';
import { openTab } from './support/open-tab.ts';
import { useSwitchboard } from './support/use-switchboard.ts';

describe.runIf(canRunPrograms)('the page of the switchboard', () => {
  const browser = useChromium();
  const switchboard = useSwitchboard();
  const open = async (user: string) => openTab(await browser.newUser(), switchboard.address, user);

  test('runs nothing and loads nothing that is not its own', async () => {
    const response = await fetch(`${switchboard.address}?user=ann`);
    expect(response.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; script-src 'self'; style-src 'self'/,
    );
    expect(await response.text()).not.toMatch(/<script(?! type="module" src="\/)|<style|style=|https?:/);
    expect((await fetch(`${switchboard.address}?user=mallory`, { redirect: 'manual' })).headers.get('location')).toBe(
      '/?user=ann',
    );
    expect((await fetch(`${switchboard.address}none.js`)).status).toBe(404);
    expect((await fetch(switchboard.address, { method: 'POST' })).status).toBe(405);
  });

  test('shows the last minute also to a tab that was not there', async () => {
    const ann = await open('ann');
    await bars(ann.page, 'messages', 3);
    await ann.ask({ session: await ann.session() }, 'Who are you?', '60 seconds');
    await ann.page.getByLabel('Answer to Ann').fill('Ann');
    await ann.page.getByRole('button', { name: 'Answer' }).click();
    await bars(ann.page, 'success', 1);
    const bob = await open('bob');
    await bars(bob.page, 'success', 1);
    await bob.page.getByText('1 answered · 0 timed out · 0 failed').waitFor();
    await bob.page.reload();
    await bars(bob.page, 'success', 1);
    await bob.page.getByRole('img', { name: /^Messages a second: \d+; at most \d+ in the last minute/ }).waitFor();
  });

  test('is used by keyboard alone', async () => {
    const ann = await open('ann');
    const { page } = ann;
    await ann.rowOf(await ann.session(), 'WebSocket').waitFor();
    await page.keyboard.press('Tab');
    expect(await page.locator(':focus').textContent()).toBe('Skip to the panels');
    await tabTo(page, '[value=ws]');
    await page.keyboard.press('ArrowRight');
    await ann.connected('SSE');
    expect(await page.locator(':focus').getAttribute('value')).toBe('sse');

    await tabTo(page, '#post-target');
    await page.keyboard.type('Ann');
    await tabTo(page, '#post-text');
    await page.keyboard.type('typed');
    await page.keyboard.press('Enter');
    await ann.inbox.filter({ hasText: 'Ann typed to you' }).waitFor();

    await tabTo(page, '#load-listener');
    await page.keyboard.press('Enter');
    await page.getByText('is loaded; 0 steps saved').waitFor();
    // The ring around what has the focus is there to be seen.
    expect(await page.locator(':focus').evaluate((element) => getComputedStyle(element).outlineWidth)).toBe('3px');
  });

  test('the focus goes from an answered question to the next, and from the last to their heading', async () => {
    const [ann, bob] = [await open('ann'), await open('bob')];
    const { page } = bob;
    const focused = page.locator(':focus');
    for (const question of ['First?', 'Second?', 'Third?'])
      await ann.ask({ session: await bob.session() }, question, '60 seconds');
    const question = (text: string) => page.locator('form.question', { hasText: text });
    await question('Third?').waitFor();

    await question('First?').getByLabel('Answer to Ann').focus();
    await page.keyboard.type('yes');
    await page.keyboard.press('Enter');
    await question('First?').waitFor({ state: 'detached' });
    expect(await question('Second?').locator(':focus').count()).toBe(1);
    await page.keyboard.type('yes');
    await page.keyboard.press('Enter');
    await question('Second?').waitFor({ state: 'detached' });
    await tabTo(page, '.question [type=button]');
    await page.keyboard.press('Enter');
    await question('Third?').waitFor({ state: 'detached' });
    expect(await focused.textContent()).toBe('Questions to this tab');
  });

  test('the focus stays where it is while a question is withdrawn', async () => {
    const [ann, bob] = [await open('ann'), await open('bob')];
    const asked = { session: await bob.session() };
    await bob.page.locator('#post-text').focus();
    const came = await bob.noteShown('form.question');
    await ann.ask(asked, 'Anybody?', '3 seconds');
    await came();
    await bob.page.locator('form.question').waitFor({ state: 'detached' });
    expect(await bob.page.locator(':focus').getAttribute('id')).toBe('post-text');
  });

  test.each(['light', 'dark'] as const)('has text that is easy to read in %s', async (colorScheme) => {
    const ann = await open('ann');
    await ann.page.emulateMedia({ colorScheme });
    await ann.send('Dan', 'so that something waits');
    await ann.row('dan', 'waits').waitFor();
    await ann.ask({ session: await ann.session() }, 'so that there is a question', '60 seconds');
    await ann.page.locator('form.question').waitFor();
    const dark = await ann.page.evaluate(() => matchMedia('(prefers-color-scheme: dark)').matches);
    expect(dark).toBe(colorScheme === 'dark');
    expect(await ann.page.evaluate(lowContrasts)).toEqual([]);
  });

  test('has landmarks, and a name for everything that is used', async () => {
    const ann = await open('ann');
    await ann.rowOf(await ann.session(), 'WebSocket').waitFor();
    const tree = await ann.page.locator('body').ariaSnapshot();
    for (const landmark of ['banner', 'main', 'navigation "Tabs of other people"'])
      expect(tree).toContain(`- ${landmark}`);
    const panels = ['Who is connected', 'The last minute', 'Cut the connection', 'Send a message', 'Ask a tab'];
    for (const panel of [...panels, 'A listener that is loaded later']) expect(tree).toContain(`- region "${panel}"`);
    expect(tree).not.toMatch(/- (button|textbox|combobox|checkbox|radio|link|img)(:|$)/m);
    expect(await ann.page.locator('h1').count()).toBe(1);
  });
});

/** Resolves when a chart has at least so many bars of a series. */
async function bars(page: Page, series: string, count: number): Promise<void> {
  await page.waitForFunction(
    ([selector, least]) => (document.querySelector(selector)?.getAttribute('d') ?? '').split('M').length > least,
    [`.bar.${series}`, count] as const,
  );
}

async function tabTo(page: Page, selector: string): Promise<void> {
  for (let presses = 0; presses < 40; presses++) {
    if (await page.locator(':focus').evaluate((element, wanted) => element.matches(wanted), selector)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`${selector} is not reached by Tab`);
}
