import { describe, expect, onTestFinished, test } from 'vitest';
import { useChromium } from '../../../test/support/chromium.ts';
import { freePort } from '../../../test/support/free-port.ts';
import { canRunPrograms } from '../../../test/support/printing-program.ts';
import { expectNothingMissing, openTab } from './support/open-tab.ts';
import { SwitchboardProgram, temporaryFolder } from './support/switchboard-program.ts';

describe.runIf(canRunPrograms)('a switchboard that is ended and started again', () => {
  const browser = useChromium();

  test('ends though tabs are open, which come back with nothing missing', async () => {
    const folder = temporaryFolder();
    onTestFinished(folder.remove);
    const first = new SwitchboardProgram(['--port', String(await freePort()), '--data', folder.path]);
    onTestFinished(() => first.kill('SIGKILL'));
    const address = await first.address();
    const ann = await openTab(await browser.newUser(), address, 'ann', { mayLose: true });
    const bob = await openTab(await browser.newUser(), address, 'bob', { mayLose: true });
    await bob.switchTo('SSE');
    const sessions = [await ann.session(), await bob.session()];
    await ann.send('Cleo', 'over the restart');
    await ann.row('cleo', '1 message waits').waitFor();
    await ann.page.getByRole('button', { name: 'Send 5 steps here' }).click();
    await ann.page.getByText('not loaded; 5 steps saved').waitFor();

    first.kill('SIGINT');
    expect(await first.ended).toMatchObject({ code: 0, stderr: '' });
    await ann.cutOff();
    await bob.cutOff();
    const before = await ann.newest();

    const second = new SwitchboardProgram(['--port', new URL(address).port, '--data', folder.path]);
    onTestFinished(() => second.kill('SIGKILL'));
    expect(await second.address()).toBe(address);
    await ann.connected('WebSocket');
    await bob.connected('SSE');
    expect([await ann.session(), await bob.session()]).toEqual(sessions);
    for (const tab of [ann, bob]) {
      await tab.passed(before + 1);
      expectNothingMissing(await tab.cells('pulse.kept'));
    }
    await ann.rowOf(await bob.session(), 'SSE').waitFor();

    const cleo = await openTab(await browser.newUser(), address, 'cleo', { mayLose: true });
    await cleo.inbox.filter({ hasText: 'Ann over the restart' }).waitFor();
    await ann.page.getByRole('button', { name: 'Load the module' }).click();
    await ann.steps.nth(4).waitFor();
    second.kill('SIGINT');
    expect(await second.ended).toMatchObject({ code: 0, stderr: '' });
  });

  test('says of what is asked of it meanwhile that it failed', async () => {
    const folder = temporaryFolder();
    onTestFinished(folder.remove);
    const program = new SwitchboardProgram(['--port', String(await freePort()), '--data', folder.path]);
    onTestFinished(() => program.kill('SIGKILL'));
    const ann = await openTab(await browser.newUser(), await program.address(), 'ann', { mayLose: true });
    await ann.rate('4');
    // To whom she can post she learns from who is there.
    await ann.rowOf(await ann.session(), 'WebSocket').waitFor();
    program.kill('SIGINT');
    await program.ended;
    await ann.cutOff();
    await ann.send('Everyone', 'is anybody there?');
    await ann.page.locator('#post-result', { hasText: 'Not sent: disconnected.' }).waitFor();
    await ann.page.getByRole('button', { name: 'Send 5 steps here' }).click();
    await ann.page.locator('#saved', { hasText: 'Not sent: disconnected.' }).waitFor();
    await ann.page.getByLabel('Numbers a second').selectOption('10');
    await ann.page.locator('#pulse-result', { hasText: 'Not set: disconnected.' }).waitFor();
    await ann.rate('4');
  });
});
