import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { useChromium } from '../support/chromium.ts';
import { root } from '../support/repository.ts';
import { canRunPrograms } from './support/child.ts';
import { MortalServer } from './support/mortal-server.ts';

/** A busy machine takes its time. */
const timeout = 120_000;
const browser = useChromium();

/** The page that `docs/protocol.md` shows. */
function pageOfTheDocs(): string {
  const [, html = ''] =
    /^### An EventSource alone$[^#]*?^```html\n(.*?)^```$/ms.exec(
      readFileSync(join(root, 'docs/protocol.md'), 'utf8'),
    ) ?? [];
  expect(html).toContain('new EventSource(');
  return html;
}

test.runIf(canRunPrograms)(
  'the page of the docs follows in Chromium, and misses and repeats nothing when its server is killed and started again',
  { timeout },
  async () => {
    const server = new MortalServer({ credential: 'none', page: pageOfTheDocs() });
    await server.open();
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${server.port}/`);
    let published = 0;
    const publish = (): Promise<unknown> => {
      const batch = Array.from({ length: 20 }, (_, index) => ({ topic: 'order.created', body: published + index }));
      published += batch.length;
      return server.call('publish', batch);
    };
    const log = page.locator('#log');
    const shown = async (): Promise<readonly number[]> => {
      const lines = ((await log.textContent()) ?? '').trimEnd().split('\n');
      return lines.map((line) => (JSON.parse(line) as [5, string, string, null, number])[4]);
    };
    const last = (): Promise<unknown> => log.getByText(`"order.created",null,${published - 1},`).waitFor();

    await publish();
    await last();
    for (let kills = 0; kills < 3; kills++) {
      await server.kill();
      // Some are there before the page has come back.
      await publish();
      await last();
      await publish();
      await last();
    }
    expect(await shown()).toEqual(Array.from({ length: published }, (_, body) => body));
  },
);
