import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Bus } from '@hexbus/core';
import type { Gateway } from '@hexbus/core/gateway';
import type { Page } from 'playwright-core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { answerWithPage, bundleForPage, useChromium } from '../support/chromium.ts';
import { readText, root } from '../support/repository.ts';
import { snippetsOf } from '../support/snippets.ts';

/** What docs/coming-from.md says, in a browser: its programs, with the port and the transport changed and something added that the test can see. */

const { newPage } = useChromium();

/** How long a busy machine may take. */
const patience = { timeout: 60_000 };

function programsOf(heading: string): string[] {
  const [, section = ''] = readText('docs/coming-from.md').split(`\n## ${heading}\n`);
  const [chapter = ''] = section.split('\n## ');
  return snippetsOf('docs/coming-from.md', chapter).map(({ code }) => code);
}

const [serverCode = '', ownPage = '', oldPage = ''] = programsOf('A server channel with on and un');
const [bridgePage = ''] = programsOf('A message bridge with a repository');

interface Program {
  readonly server: Server;
  readonly gateway: Gateway;
  valueChanged(): Promise<unknown>;
}

/** The server of the page, on any free port. */
async function startServer(): Promise<Program> {
  expect(serverCode.match(/\b3000\b/g)).toHaveLength(1);
  mkdirSync(join(root, '.snippets'), { recursive: true });
  const folder = mkdtempSync(join(root, '.snippets', 'coming-from-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'server.ts');
  writeFileSync(file, serverCode.replace('3000', '0'));
  const program = (await import(file)) as Program;
  if (!program.server.listening) await once(program.server, 'listening');
  onTestFinished(async () => {
    program.server.closeAllConnections();
    program.server.close();
    await program.gateway.close();
  });
  return program;
}

/** A browser with the page, connected. */
async function visit({ server, gateway }: Program, code: string, transport: string): Promise<Page> {
  expect(code).toContain("transport: 'auto'");
  const script = await bundleForPage(code.replace("transport: 'auto'", `transport: '${transport}'`));
  server.on('request', answerWithPage({ '/page.js': script }));
  const page = await newPage();
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  await connected(gateway);
  return page;
}

async function connected(gateway: Gateway): Promise<void> {
  await expect.poll(() => gateway.connections.count, patience).toBe(1);
}

const textOf = (page: Page): Promise<string> => page.evaluate(() => document.body.innerText.trim());

/** Everything posted before is handled or passed over when this has come. */
const marksTheEnd = "\nclient.on('TheEnd', () => { document.title = 'the end'; });";
const theEnd = async (page: Page, { gateway }: Program): Promise<void> => {
  await gateway.post({ all: true }, 'TheEnd', null);
  await expect.poll(() => page.title(), patience).toBe('the end');
};

describe.each(['auto', 'ws', 'sse'])('over %s', (transport) => {
  test('a page gets what the server posts to all, until it unregisters', async () => {
    const program = await startServer();
    const page = await visit(program, ownPage + marksTheEnd, transport);
    await program.valueChanged();
    await expect.poll(() => textOf(page), patience).toBe('My message value');
    await page.evaluate(() => dispatchEvent(new Event('pagehide')));
    await program.valueChanged();
    await theEnd(page, program);
    expect(await textOf(page)).toBe('My message value');
  });

  test('an old page works over the channel: scope, Header.Sender and Body, on and un', async () => {
    const program = await startServer();
    const page = await visit(program, oldPage + marksTheEnd, transport);
    await program.valueChanged();
    await program.gateway.post({ all: true }, 'AnotherId', 'not for this page');
    await program.gateway.post({ all: true }, 'SomeMessageId', 'the last one');
    await program.valueChanged();
    await theEnd(page, program);
    expect(await textOf(page)).toBe('My message valuethe last one');
  });

  test('what comes before its module is loaded waits in localStorage, over reloads, and is there once, in order', async () => {
    const program = await startServer();
    const { gateway } = program;
    const page = await visit(program, `${bridgePage}\nObject.assign(globalThis, { bus, loaded });`, transport);
    const told: string[] = [];
    page.on('console', (message) => told.push(message.text()));
    const step = async (n: number): Promise<void> => {
      await gateway.post({ all: true }, 'OrderStepCalculated', { step: n });
      await expect.poll(() => waiting(page), patience).toBe(n);
    };

    await step(1);
    await step(2);
    await reload(page, gateway);
    await step(3);
    await reload(page, gateway);
    expect([await waiting(page), await textOf(page), told]).toEqual([3, '', []]);
    expect(await stored(page)).toContain('"step":3');

    await page.evaluate(() => (globalThis as unknown as PageGlobals).loaded());
    await expect.poll(() => textOf(page), patience).toBe('{"step":1}{"step":2}{"step":3}');
    await expect.poll(() => waiting(page), patience).toBe(0);
    expect(told).toEqual([1, 2, 3].map((n) => `OrderStepCalculated {step: ${n}} handled`));
    expect(await stored(page)).not.toContain('"step":');

    await reload(page, gateway);
    await page.evaluate(async () => {
      const { bus, loaded } = globalThis as unknown as PageGlobals;
      loaded();
      await bus.subscribe('OrderStepCalculated', () => undefined).caughtUp();
    });
    expect([await textOf(page), told.length]).toEqual(['', 3]);
  });
});

interface PageGlobals {
  readonly bus: Bus;
  loaded(): void;
}

/** How many messages wait for their listener. */
function waiting(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const { bus } = globalThis as unknown as PageGlobals;
    return (await bus.stats('OrderStepCalculated')).waiting;
  });
}

/** Everything in the page's localStorage, as one text without escapes. */
function stored(page: Page): Promise<string> {
  return page.evaluate(() => Object.values(localStorage).join('\n').replaceAll('\\', ''));
}

async function reload(page: Page, gateway: Gateway): Promise<void> {
  await page.reload();
  await expect.poll(() => page.evaluate(() => 'loaded' in globalThis), patience).toBe(true);
  await connected(gateway);
}
