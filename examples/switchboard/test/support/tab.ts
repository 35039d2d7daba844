import type { Locator, Page } from 'playwright-core';
import type { Pulse } from '../../shared/messages.ts';

type TransportLabel = 'WebSocket' | 'SSE';

export interface Cell {
  readonly number: number;
  readonly state: 'now' | 'late' | 'missing';
}

/** What the page is to show comes within this time, or never. */
export const patienceMs = 60_000;

/** What a message or a question goes to: the label of a choice, or one tab. */
export type Target = string | { readonly session: string };

/** An element as the page showed it first. */
export interface Shown {
  readonly text: string;
  /** Its colour, as CSS has it. */
  readonly ground: string;
}

export type LaneTopic = 'pulse.kept' | 'pulse.fleeting';

/** A tab of the switchboard, and what its user does and sees there. */
export class Tab {
  readonly page: Page;
  readonly inbox: Locator;
  readonly outcomes: Locator;
  readonly steps: Locator;

  constructor(page: Page) {
    this.page = page;
    this.inbox = page.locator('#inbox li');
    this.outcomes = page.locator('#outcomes li');
    this.steps = page.locator('#steps li');
  }

  async connected(over: TransportLabel = 'WebSocket'): Promise<void> {
    await this.page.locator('#link-state', { hasText: `Connected over ${over}` }).waitFor();
  }

  /** Of a tab that stays so. */
  async cutOff(): Promise<void> {
    await this.page.locator('#link-state[data-state=away]').waitFor();
  }

  /** Presses the button that cuts it for three seconds. Resolves when the page has shown that it is cut off, though it may be back by then. */
  async cut(): Promise<void> {
    const cutOff = await this.noteShown('#link-state[data-state=away]');
    await this.page.getByRole('button', { name: /^Cut this tab/ }).click();
    await cutOff();
  }

  /** The short name of its session. */
  async name(): Promise<string> {
    return /tab (\S+)/.exec((await this.page.locator('#link-state').textContent()) ?? '')?.[1] ?? '';
  }

  /** Of a tab that has been connected. */
  async session(): Promise<string> {
    return (await this.page.locator('#link-state').getAttribute('data-session')) ?? '';
  }

  /** The rows of a person, each of which is on the screen as soon as it says all of this. */
  row(user: string, ...texts: readonly (string | RegExp)[]): Locator {
    return saying(this.page.locator(`#people-rows tr[data-user=${user}]`), texts);
  }

  /** The row of one tab. */
  rowOf(session: string, ...texts: readonly (string | RegExp)[]): Locator {
    return saying(this.page.locator(`#people-rows ${rowSelector(session)}`), texts);
  }

  /** How far behind it is, as its row says. */
  behind(session: string, hasText: RegExp): Locator {
    return this.rowOf(session).locator('.number').filter({ hasText });
  }

  /** What a tab may be sent to or be asked by, also when it is gone. */
  choice(select: '#post-target' | '#ask-target', session: string): Locator {
    return this.page.locator(`${select} option[value$="${session}"]`);
  }

  /**
   * Looks from now on for what a selector names. What it resolves with waits until the page has shown that, and tells how it was. So what passes soon is
   * not missed by who looks late.
   */
  async noteShown(selector: string): Promise<() => Promise<Shown>> {
    const note = await this.page.evaluateHandle(
      ([wanted, withinMs]) => {
        const shown = new Promise<Shown>((resolve, reject) => {
          const look = (): void => {
            const element = document.querySelector(wanted);
            if (element === null) return;
            observer.disconnect();
            resolve({ text: element.textContent, ground: getComputedStyle(element).backgroundColor });
          };
          const observer = new MutationObserver(look);
          observer.observe(document, { subtree: true, childList: true, attributes: true });
          setTimeout(() => reject(new Error(`${wanted} was not shown`)), withinMs);
          look();
        });
        // Who waits for it is told; until then nobody is there to be.
        shown.catch(() => undefined);
        return { shown };
      },
      [selector, patienceMs] as const,
    );
    return () => note.evaluate(({ shown }) => shown);
  }

  async send(to: Target, text: string): Promise<void> {
    await this.#choose('#post-target', to);
    await this.page.getByLabel('Message', { exact: true }).fill(text);
    await this.page.getByRole('button', { name: 'Send', exact: true }).click();
  }

  async ask(whom: Target, text: string, wait: '3 seconds' | '15 seconds' | '60 seconds'): Promise<void> {
    await this.#choose('#ask-target', whom);
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

  /** Waits for the choice to be offered. */
  async #choose(select: '#post-target' | '#ask-target', target: Target): Promise<void> {
    const list = this.page.locator(select);
    const option =
      typeof target === 'string'
        ? list.locator('option', { hasText: target }).first()
        : this.choice(select, target.session);
    await option.waitFor({ state: 'attached' });
    await list.selectOption((await option.getAttribute('value')) ?? '');
  }
}

/** Selects the row of a tab in the table of people. */
export function rowSelector(session: string): string {
  return `tr[data-session="${session}"]`;
}

function saying(rows: Locator, texts: readonly (string | RegExp)[]): Locator {
  return texts.reduce<Locator>((row, hasText) => row.filter({ hasText }), rows);
}
