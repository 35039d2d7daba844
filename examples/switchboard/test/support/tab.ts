import type { Locator, Page } from 'playwright-core';
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

  /** Resolves when it shows that so many numbers come in a second. */
  async rate(perSecond: string): Promise<void> {
    await this.page.waitForFunction(
      (wanted) => document.querySelector<HTMLSelectElement>('#rate')?.value === wanted,
      perSecond,
    );
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

  /** Resolves when the strip of a topic shows a number above this. */
  async passed(number: Pulse['number'], topic: LaneTopic = 'pulse.kept'): Promise<void> {
    await this.page.waitForFunction(
      ([cells, above]) =>
        [...document.querySelectorAll<HTMLElement>(cells)].some(
          ({ dataset }) => Number(dataset['number'] ?? 0) > above,
        ),
      [`.lane[data-topic="${topic}"] .cell`, number] as const,
    );
  }

  async newest(): Promise<number> {
    return (await this.cells('pulse.kept')).at(-1)?.number ?? 0;
  }
}

/** Waits for the choice to be offered. */
async function choose(select: Locator, label: string): Promise<void> {
  const option = select.locator('option', { hasText: label }).first();
  await option.waitFor({ state: 'attached' });
  await select.selectOption((await option.getAttribute('value')) ?? '');
}
