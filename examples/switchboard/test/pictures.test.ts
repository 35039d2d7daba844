import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { useChromium } from '../../../test/support/chromium.ts';
import { root } from '../../../test/support/repository.ts';
import { useSwitchboard } from './support/switchboard-program.ts';
import { openTab, type Tab } from './support/tab.ts';

const folder = join(root, 'docs/images');
const maxBytes = 150_000;
const barsWanted = 45;

const panels = ['people', 'minute', 'pulse', 'post', 'ask', 'later'] as const;

/** HEXBUS_PICTURES=1 writes the pictures of the docs. */
describe.runIf(process.env['HEXBUS_PICTURES'] === '1')('pictures of the switchboard', { timeout: 180_000 }, () => {
  const browser = useChromium();
  const switchboard = useSwitchboard();

  test('the page in light and in dark, and each of its panels', async () => {
    mkdirSync(folder, { recursive: true });
    const [ann, bob, dan] = await tabs();
    await ann.page.setViewportSize({ width: 1360, height: 900 });
    await bob.switchTo('SSE');
    await ann.send('Cleo', 'The plumber comes at ten');
    await ann.send('Cleo', 'He says eleven now');
    await bob.send('Ann', 'Is anybody with the plumber?');
    await dan.send('Everyone', 'I am off, see you tomorrow');
    await ann.page.getByText('see you tomorrow').waitFor();
    await dan.page.close();
    await ann.page.getByRole('button', { name: 'Send 5 steps here' }).click();
    await questions(ann, bob);
    await ann.page.waitForFunction(enoughBars, barsWanted, { timeout: 90_000 });
    await bob.page.getByLabel('Handle slowly').check();
    await ann.page.getByRole('button', { name: /^Cut this tab/ }).click();
    await ann.cutOff();
    await ann.connected();
    await ann.page.getByRole('button', { name: 'Load the module' }).click();
    await ann.page.getByRole('button', { name: 'Send 5 steps here' }).click();
    await ann.steps.nth(9).waitFor();
    const resumed = await ann.newest();
    await ann.passed(resumed + 10);

    for (const panel of panels) await picture(ann.page.locator(`.panel.${panel}`), `switchboard-${panel}`);
    for (const colorScheme of ['light', 'dark'] as const) {
      await ann.page.emulateMedia({ colorScheme });
      await picture(ann.page, `switchboard-${colorScheme}`);
    }
  });

  async function tabs(): Promise<[Tab, Tab, Tab]> {
    const open = async (user: string) => openTab(await browser.newUser(), switchboard.address, user, { mayLose: true });
    return [await open('ann'), await open('bob'), await open('dan')];
  }
});

async function questions(ann: Tab, bob: Tab): Promise<void> {
  const answer = bob.page.getByLabel('Answer to Ann');
  await ann.ask('Bob', 'Are you there?', '3 seconds');
  await ann.outcomes.filter({ hasText: 'timeout' }).waitFor();
  await ann.ask('Bob', 'And now?', '15 seconds');
  await answer.fill('Yes, back from lunch');
  await answer.press('Enter');
  await ann.outcomes.filter({ hasText: 'back from lunch' }).waitFor();
  await bob.ask('Ann', 'How is it going?', '15 seconds');
}

function enoughBars(wanted: number): boolean {
  return (document.querySelector('.bar.messages')?.getAttribute('d') ?? '').split('M').length > wanted;
}

async function picture(what: Page | Locator, name: string): Promise<void> {
  const path = join(folder, `${name}.png`);
  const taken = 'goto' in what ? what.screenshot({ path, fullPage: true }) : what.screenshot({ path });
  expect((await taken).length).toBeLessThan(maxBytes);
}
