import { describe, expect, test } from 'vitest';
import { useChromium } from '../../../test/support/chromium.ts';
import { canRunPrograms } from '../../../test/support/printing-program.ts';
import { openTab } from './support/open-tab.ts';
import { useSwitchboard } from './support/use-switchboard.ts';

describe.runIf(canRunPrograms)('messages on the switchboard', () => {
  const browser = useChromium();
  const switchboard = useSwitchboard();
  const open = async (user: string) => openTab(await browser.newUser(), switchboard.address, user);

  test('who is connected is shown to everyone, with transport, capabilities and what is behind', async () => {
    const ann = await open('ann');
    const bob = await open('bob');
    const dan = await open('dan');
    const danSession = await dan.session();
    for (const tab of [ann, bob]) {
      await tab.rowOf(await ann.session(), await ann.name(), 'WebSocket', 'screenquestionsconsole', '0').waitFor();
      await tab.rowOf(await bob.session(), await bob.name(), 'WebSocket', 'screenquestions', '0').waitFor();
      // What Dan's page offers, he may not have.
      await tab.rowOf(danSession, /0screen$/).waitFor();
      await tab.row('cleo', 'away').waitFor();
    }
    await dan.page.close();
    await ann.rowOf(danSession, 'closed').waitFor();
  });

  test('a message reaches everyone, all tabs of a user, or one tab', async () => {
    const ann = await open('ann');
    const bob = await open('bob');
    const bobToo = await open('bob');

    await ann.send('Everyone', 'to all of you');
    for (const tab of [ann, bob, bobToo])
      await tab.inbox.filter({ hasText: 'Ann to all of you to everyone' }).waitFor();
    await ann.send('Bob', 'to Bob');
    for (const tab of [bob, bobToo]) await tab.inbox.filter({ hasText: 'Ann to Bob to you' }).waitFor();
    await ann.page.getByText(/Sent to 2 tabs, kept at position \d/).waitFor();
    await ann.send({ session: await bobToo.session() }, 'to this one');
    await bobToo.inbox.filter({ hasText: 'Ann to this one to this tab' }).waitFor();

    // What came after it has come, so it would be there.
    await ann.send('Everyone', 'the last');
    for (const tab of [ann, bob, bobToo]) await tab.inbox.filter({ hasText: 'the last' }).waitFor();
    expect(await ann.inbox.count()).toBe(2);
    expect(await bob.inbox.count()).toBe(3);
    expect(await bobToo.inbox.count()).toBe(4);
  });

  test('what is sent to a user who is away waits, and comes in order when her tab opens', async () => {
    const ann = await open('ann');
    for (const text of ['first', 'second', 'third']) await ann.send('Cleo', text);
    await ann.page.getByText('Nobody is there: it waits').waitFor();
    await ann.row('cleo', '3 messages wait', /Ann: first.*Ann: second.*Ann: third/).waitFor();

    const cleo = await open('cleo');
    await cleo.inbox.nth(2).waitFor();
    const came = await cleo.inbox.allTextContents();
    expect(came.map((text) => text.split(' ')[1])).toEqual(['first', 'second', 'third']);
    await ann.rowOf(await cleo.session(), 'WebSocket').waitFor();
    await ann.row('cleo', 'wait').waitFor({ state: 'detached' });

    // She has handled them, so a page that knows nothing of them gets none.
    await cleo.page.close();
    const cleoLater = await open('cleo');
    await ann.send('Cleo', 'fourth');
    await cleoLater.inbox.filter({ hasText: 'fourth' }).waitFor();
    expect(await cleoLater.inbox.count()).toBe(1);
  });

  test('a message to a tab that has gone is kept for its return, and says so', async () => {
    const ann = await open('ann');
    const dan = await open('dan');
    const session = await dan.session();
    const label = `Dan · ${await dan.name()}`;
    await ann.send({ session }, 'are you off?');
    await ann.page.getByText('Sent to 1 tab').waitFor();
    await dan.page.close();
    const choice = ann.choice('#post-target', session);
    await choice.filter({ hasText: `${label} (gone)` }).waitFor({ state: 'attached' });
    await ann.send({ session }, 'too late?');
    await ann.page.getByText(/^Nobody is there: kept at position \d+, in case that tab comes back\.$/).waitFor();
  });

  test('order steps wait in the browser for their module, over two reloads, and are handled once, in order', async () => {
    const ann = await open('ann');
    const { page } = ann;
    const sendFive = page.getByRole('button', { name: 'Send 5 steps here' });
    const load = page.getByRole('button', { name: 'Load the module' });
    const saved = (count: string) => page.locator('#saved', { hasText: count }).waitFor();
    const stored = () => page.evaluate(() => Object.values(localStorage).join('\n'));

    await sendFive.click();
    await saved('not loaded; 5 steps saved');
    for (let reload = 1; reload <= 2; reload++) {
      await page.reload();
      await ann.connected();
      await saved('not loaded; 5 steps saved');
    }
    expect(await stored()).toContain('{"step":5}');
    expect(await stored()).toContain('"type":"OrderStepCalculated"');

    await load.click();
    await saved('is loaded; 0 steps saved');
    await sendFive.click();
    await ann.steps.nth(9).waitFor();
    const handled = (await ann.steps.allTextContents()).map((text) => text.split(' ', 2).join(' '));
    const five = [1, 2, 3, 4, 5].map((step) => `Step ${step}`);
    expect(handled).toEqual([...five, ...five]);
    await saved('is loaded; 0 steps saved');
    expect(await stored()).not.toMatch(/"step"|"type":"OrderStepCalculated"/); // the ids stay for a while

    await page.reload();
    await ann.connected();
    await saved('not loaded; 0 steps saved');
    await load.click();
    await saved('is loaded; 0 steps saved');
    expect(await ann.steps.count()).toBe(0);
  });

  test('a tab that is asked answers, declines, lets the time pass, or goes', async () => {
    const ann = await open('ann');
    const bob = await open('bob');
    const question = bob.page.locator('form.question');
    const asked = { session: await bob.session() };

    await ann.ask(asked, 'Where are you?', '60 seconds');
    await question.getByText('Ann asks: Where are you?').waitFor();
    await question.getByLabel('Answer to Ann').fill('in the garden');
    await question.getByRole('button', { name: 'Answer' }).click();
    await ann.outcomes.filter({ hasText: /^success in the garden after/ }).waitFor();
    await question.waitFor({ state: 'detached' });

    await ann.ask(asked, 'And now?', '60 seconds');
    await question.getByRole('button', { name: 'Decline' }).click();
    await ann.outcomes.filter({ hasText: /^error remote-error after/ }).waitFor();

    await ann.ask(asked, 'Anybody?', '3 seconds');
    await ann.outcomes.filter({ hasText: /^timeout\s+after/ }).waitFor();
    await question.waitFor({ state: 'detached' });

    await ann.ask(asked, 'Still there?', '60 seconds');
    await question.waitFor();
    await bob.page.close();
    await ann.outcomes.filter({ hasText: /^error disconnected after/ }).waitFor();
    await ann.page.getByText('1 answered · 1 timed out · 2 failed').waitFor();
  });
});
