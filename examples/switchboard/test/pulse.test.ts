import { createClient } from '@hexbus/client';
import { createBus } from '@hexbus/core';
import { createMemoryHistory } from '@hexbus/store-memory';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { canRunPrograms } from '../../../test/support/printing-program.ts';
import { Pulse } from '../server/pulse.ts';
import { type Events, topics } from '../server/topics.ts';
import { SwitchboardProgram, temporaryFolder } from './support/switchboard-program.ts';

describe('a pulse that has been stopped', () => {
  afterEach(() => vi.useRealTimers());

  test('stays so, whatever rate it is given', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const bus = createBus<Events>({ history: createMemoryHistory(), topics });
    await bus.open();
    const pulse = new Pulse(bus, (error) => expect.fail(String(error)));
    await pulse.start();
    vi.advanceTimersByTime(1_000);
    const { number, perSecond } = pulse;
    expect([number, perSecond]).toEqual([4, 4]);

    pulse.stop();
    await pulse.setRate(50);
    expect(pulse.perSecond).toBe(perSecond);
    expect(vi.getTimerCount()).toBe(0);
    await bus.close();
    vi.advanceTimersByTime(1_000);
    expect(pulse.number).toBe(number);
  });
});

describe.runIf(canRunPrograms)('a switchboard that sends its tabs away', () => {
  test('ends though those who are still there ask for another rate until they go', async () => {
    const folder = temporaryFolder();
    onTestFinished(folder.remove);
    const program = new SwitchboardProgram(['--port', '0', '--data', folder.path]);
    onTestFinished(() => program.kill('SIGKILL'));
    const url = `${await program.address()}hexbus`;
    const clients = Array.from({ length: 20 }, () => createClient({ url, transport: 'ws', WebSocket, token: 'ann' }));
    onTestFinished(async () => void (await Promise.all(clients.map((client) => client.close()))));
    await Promise.all(clients.map((client) => client.open()));

    const asking = clients.map(async (client) => {
      for (;;) {
        const outcome = await client.request('setPulse', { perSecond: 50 }, { timeoutMs: 60_000 });
        if (outcome.status !== 'success') return outcome;
      }
    });
    program.kill('SIGINT');
    expect(await program.ended).toMatchObject({ code: 0, stderr: '' });
    for (const outcome of await Promise.all(asking))
      expect(outcome).toMatchObject({ status: 'error', code: 'disconnected' });
  });
});
