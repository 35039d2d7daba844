import type { BrowserContext, Locator, Page } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';
import type { Pulse } from '../../shared/messages.ts';

type TransportLabel = 'WebSocket' | 'SSE';

export interface Cell {
  readonly number: number;
  readonly state: 'now' | 'late' | 'missing';
}

export type LaneTopic = 'pulse.kept' | 'pulse.fleeting';

/** A tab of the switchboard, and what its user does and sees there. */
export class Tab {
  readonly page: Page;
  readonly inbox: Locator;
  readonly outcomes: Locator;
  readonly steps: Locator;
  /** Of the table of people. */
  readonly rows: Locator;

  constructor(page: Page) {
    this.page = page;
    this.inbox = page.locator('#inbox li');
    this.outcomes = page.locator('#outcomes li');
    this.steps = page.locator('#steps li');
    this.rows = page.locator('#people-rows tr');
  }

  async connected(over: TransportLabel = 'WebSocket'): Promise<void> {
    await this.page.locator('#link-state', { hasText: `Connected over ${over}` }).waitFor();
  }

  async cutOff(): Promise<void> {
    await this.page.locator('#link-state[data-state=away]').waitFor();
  }

  /** The short name of its session. */
  async name(): Promise<string> {
    return /tab (\S+)/.exec((await this.page.locator('#link-state').textContent()) ?? '')?.[1] ?? '';
  }

  /** The row of a person's tab, which is on the screen as soon as it says all of this. */
  row(user: string, ...texts: readonly (string | RegExp)[]): Locator {
    return texts.reduce<Locator>(
      (row, hasText) => row.filter({ hasText }),
      this.page.locator(`#people-rows tr[data-user=${user}]`),
    );
  }

  /** `to` is the label of a choice, or its beginning. */
  async send(to: string, text: string): Promise<void> {
    await choose(this.page.locator('#post-target'), to);
    await this.page.getByLabel('Message', { exact: true }).fill(text);
    await this.page.getByRole('button', { name: 'Send', exact: true }).click();
  }

  async ask(whom: string, text: string, wait: '3 seconds' | '15 seconds'): Promise<void> {
    await choose(this.page.locator('#ask-target'), whom);
    await this.page.getByLabel('Wait').selectOption({ label: wait });
    await this.page.getByLabel('Question', { exact: true }).fill(text);
    await this.page.getByRole('button', { name: 'Ask', exact: true }).click();
  }

  async switchTo(over: TransportLabel): Promise<void> {
    await this.page.getByRole('radio', { name: over }).click();
    await this.connected(over);
  }

  lane(topic: LaneTopic): Locator {
    return this.page.locator(`.lane[data-topic="${topic}"]`);
  }

  /** What the strip of a topic shows now. */
  cells(topic: LaneTopic): Promise<readonly Cell[]> {
    return this.lane(topic)
      .locator('.cell[data-number]')
      .evaluateAll((cells) =>
        cells.map((cell) => {
          const state = cell.className.replace('cell ', '') as 'now' | 'late' | 'missing';
          return { number: Number((cell as HTMLElement).dataset['number']), state };
        }),
      );
  }

  /** Resolves when the strip of the kept topic shows a number above this. */
  async passed(number: Pulse['number']): Promise<void> {
    await this.page.waitForFunction(
      (above) =>
        [...document.querySelectorAll<HTMLElement>('.lane[data-topic="pulse.kept"] .cell')].some(
          (cell) => Number(cell.dataset['number'] ?? 0) > above,
        ),
      number,
    );
  }

  async newest(): Promise<number> {
    return (await this.cells('pulse.kept')).at(-1)?.number ?? 0;
  }
}

/** Opens the tab of a user, and watches it: what it asks of other hosts, and what it logs as an error, fails the test. `mayLose`: but for lost connections. */
export async function openTab(
  context: BrowserContext,
  address: string,
  user: string,
  { mayLose = false }: { readonly mayLose?: boolean } = {},
): Promise<Tab> {
  const page = await context.newPage();
  // Sooner than the test, so that it can say what was awaited.
  page.setDefaultTimeout(20_000);
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

/** Waits for the choice to be offered. */
async function choose(select: Locator, label: string): Promise<void> {
  const option = select.locator('option', { hasText: label }).first();
  await option.waitFor({ state: 'attached' });
  await select.selectOption((await option.getAttribute('value')) ?? '');
}

/** That each number follows the one before. */
export function expectNothingMissing(cells: readonly Cell[]): void {
  const [first] = cells;
  expect(cells.map(({ number }) => number)).toEqual(cells.map((_, index) => (first?.number ?? 0) + index));
  expect(cells.filter(({ state }) => state === 'missing')).toEqual([]);
}
