/** Writes the pictures of the docs: node --conditions=hexbus-source examples/switchboard/test/pictures.ts */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium, type Locator, type Page } from 'playwright-core';
import { chromiumPath } from '../../../test/support/chromium.ts';
import { root } from '../../../test/support/repository.ts';
import { smallPng } from './support/small-png.ts';
import { SwitchboardProgram, temporaryFolder } from './support/switchboard-program.ts';
import { Tab } from './support/tab.ts';

const folder = join(root, 'docs/images');
const maxBytes = 150_000;
const width = 1360;
/** So that the charts have something to show. */
const barsWanted = 45;
const panels = ['people', 'minute', 'pulse', 'post', 'ask', 'later'] as const;

async function main(): Promise<void> {
  if (chromiumPath === undefined) throw new Error('no chromium on the PATH');
  const data = temporaryFolder();
  const program = new SwitchboardProgram(['--port', '0', '--data', data.path]);
  const browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox', '--disable-gpu'] });
  try {
    const { page } = await story(browser, await program.address());
    for (const panel of panels) await takePicture(page.locator(`.panel.${panel}`), `switchboard-${panel}`);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await takePicture(page, `switchboard-${colorScheme}`);
    }
  } finally {
    await browser.close();
    program.kill('SIGINT');
    await program.ended;
    data.remove();
  }
}

/** A minute with the switchboard, which ends with something to see in every panel of Ann's tab. */
async function story(browser: Browser, address: string): Promise<Tab> {
  const [ann, bob, dan] = [
    await open(browser, address, 'ann'),
    await open(browser, address, 'bob'),
    await open(browser, address, 'dan'),
  ];
  await bob.switchTo('SSE');
  await ann.send('Cleo', 'The plumber comes at ten');
  await ann.send('Cleo', 'He says eleven now');
  await bob.send('Ann', 'Is anybody with the plumber?');
  await dan.send('Everyone', 'I am off, see you tomorrow');
  await ann.page.getByText('see you tomorrow').waitFor();
  await dan.page.close();
  await ann.page.getByRole('button', { name: 'Send 5 steps here' }).click();

  await ann.page.waitForFunction(enoughBars, barsWanted, { timeout: 90_000 });
  await ann.ask('Bob', 'Are you there?', '3 seconds');
  await ann.outcomes.filter({ hasText: 'timeout' }).waitFor();
  await ann.ask('Bob', 'And now?', '15 seconds');
  await bob.page.getByLabel('Answer to Ann').fill('Yes, back from lunch');
  await bob.page.keyboard.press('Enter');
  await ann.outcomes.filter({ hasText: 'back from lunch' }).waitFor();

  await bob.page.getByLabel('Handle slowly').check();
  await ann.cut();
  await ann.connected();
  await ann.page.getByRole('button', { name: 'Load the module' }).click();
  await ann.steps.nth(4).waitFor();
  await bob.ask('Ann', 'How is it going?', '15 seconds');
  await ann.page.locator('form.question').waitFor();
  await ann.passed((await ann.newest()) + 10);
  return ann;
}

async function open(browser: Browser, address: string, user: string): Promise<Tab> {
  const page = await browser.newPage({ viewport: { width, height: 900 } });
  await page.goto(`${address}?user=${user}`);
  const tab = new Tab(page);
  await tab.connected();
  return tab;
}

function enoughBars(wanted: number): boolean {
  return (document.querySelector('.bar.messages')?.getAttribute('d') ?? '').split('M').length > wanted;
}

async function takePicture(what: Page | Locator, name: string): Promise<void> {
  const png = smallPng('goto' in what ? await what.screenshot({ fullPage: true }) : await what.screenshot());
  if (png.length > maxBytes) throw new Error(`${name} has ${png.length} bytes`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.png`), png);
}

await main();
