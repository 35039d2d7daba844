import { expect, test } from 'vitest';
import { bundleForPage, servePage, useChromium } from '../support/chromium.ts';

const { newPage, newUser } = useChromium();

test('a page runs the sources of the packages', async () => {
  const code = `
    import { createBus } from '@hexbus/core';
    const bus = createBus();
    bus.on('greeting', ({ body }: { body: unknown }) => { document.title = String(body); });
    bus.emit('greeting', 'hello');`;
  const { url } = await servePage({ '/page.js': await bundleForPage(code) });
  const page = await newPage();
  await page.goto(url);
  await expect.poll(() => page.title(), { timeout: 60_000 }).toBe('hello');
});

test('pages of one user share their storage, those of two do not', async () => {
  const code = `document.title = localStorage.getItem('seen') ?? 'new'; localStorage.setItem('seen', 'seen');`;
  const { url } = await servePage({ '/page.js': await bundleForPage(code) });
  const [ann, bob] = [await newUser(), await newUser()];
  const titles: string[] = [];
  for (const user of [ann, ann, bob]) {
    const page = await user.newPage();
    await page.goto(url);
    titles.push(await page.title());
  }
  expect(titles).toEqual(['new', 'seen', 'new']);
});
