import type { BrowserContext } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';
import { type Cell, patienceMs, Tab } from './tab.ts';

/** Opens the tab of a user, and watches it: what it asks of other hosts, and what it logs as an error, fails the test. `mayLose`: but for lost connections. */
export async function openTab(
  context: BrowserContext,
  address: string,
  user: string,
  { mayLose = false }: { readonly mayLose?: boolean } = {},
): Promise<Tab> {
  const page = await context.newPage();
  // Sooner than the test, so that it can say what was awaited.
  page.setDefaultTimeout(patienceMs);
  const errors: string[] = [];
  const hosts = new Set<string>();
  page.on('console', (message) => {
    const isLoss = /^WebSocket connection to .* failed|^Failed to load resource/.test(message.text());
    if (message.type() === 'error' && !(mayLose && isLoss)) errors.push(message.text());
  });
  page.on('request', (request) => hosts.add(new URL(request.url()).host));
  page.on('websocket', (socket) => hosts.add(new URL(socket.url()).host));
  onTestFinished(() => {
    expect(errors).toEqual([]);
    expect([...hosts]).toEqual([new URL(address).host]);
  });
  const tab = new Tab(page);
  await page.goto(`${address}?user=${user}`);
  await tab.connected();
  return tab;
}

/** That each number follows the one before. */
export function expectNothingMissing(cells: readonly Cell[]): void {
  const [first] = cells;
  expect(cells.map(({ number }) => number)).toEqual(cells.map((_, index) => (first?.number ?? 0) + index));
  expect(cells.filter(({ state }) => state === 'missing')).toEqual([]);
}
