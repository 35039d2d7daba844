import { createBus, createMessageBridge } from '@hexbus/core';
import { createLocalStorageHistory } from '@hexbus/store-localstorage';
import { orderStepType } from '../../shared/messages.ts';
import { find } from '../dom.ts';
import type { listenToOrderSteps } from '../order-steps.ts';
import { orderStepsTopic, type PageEvents } from '../page-events.ts';
import type { Tab } from '../tab.ts';
import { plural, reasonOf } from '../words.ts';

const listenerModule = '/order-steps.js';

/** A bus in the page, whose history is the browser's storage. What the server posts goes there over a bridge, and waits for the module that handles it. */
export async function showLater(tab: Tab): Promise<void> {
  const bus = createBus<PageEvents>({
    history: createLocalStorageHistory({ name: `switchboard-${tab.user}` }),
    topics: { [orderStepsTopic]: { retain: 'until-handled' } },
  });
  const bridge = createMessageBridge(bus, {
    source: tab,
    messages: [{ type: orderStepType, topic: orderStepsTopic, saveHistory: true }],
  });
  const saved = find('#saved');
  const load = find<HTMLButtonElement>('#load-listener');

  const show = async (): Promise<void> => {
    const { waiting, listeners } = await bus.stats(orderStepsTopic);
    const state = listeners === 0 ? 'The module is not loaded' : 'The module is loaded';
    saved.textContent = `${state}; ${plural(waiting, 'step')} saved.`;
    load.setAttribute('aria-disabled', String(listeners > 0));
  };
  bus.observe('error', ({ error }) => reportError(error));
  bridge.observe('error', ({ error }) => reportError(error));
  bus.observe('published', show);
  bus.observe('handled', show);

  find('#send-steps').addEventListener('click', async () => {
    const outcome = await tab.request('orderSteps', { count: 5 });
    if (outcome.status !== 'success') saved.textContent = `Not sent: ${reasonOf(outcome)}.`;
  });
  load.addEventListener('click', async () => {
    const { listeners } = await bus.stats(orderStepsTopic);
    if (listeners > 0) return;
    const module = (await import(listenerModule)) as { listenToOrderSteps: typeof listenToOrderSteps };
    module.listenToOrderSteps(bus, find('#steps'));
    await show();
  });

  await bus.open();
  await bridge.open();
  await show();
}
