import { existsSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { build } from 'esbuild';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, onTestFinished } from 'vitest';
import { root } from './repository.ts';

/** Where Chromium is; undefined where there is none. */
export const chromiumPath: string | undefined = (process.env['PATH'] ?? '')
  .split(delimiter)
  .flatMap((folder) => ['chromium', 'chromium-browser', 'google-chrome'].map((name) => join(folder, name)))
  .find((file) => existsSync(file));

/** The browser of a test file. What a page throws and nobody catches fails the test. */
export interface BrowserOfTests {
  /** A user of her own: pages of one share cookies and localStorage with each other, and with no other. Closed after the test. */
  newUser(): Promise<BrowserContext>;
  /** A page of a new user. Closed after the test. */
  newPage(): Promise<Page>;
}

/**
 * Starts Chromium before the tests of a file, and ends it after them. Where there is none its tests are skipped with that reason, but fail when CI=true.
 * Call it at the top of the file, or of a `describe`.
 */
export function useChromium(): BrowserOfTests {
  let browser: Browser | undefined;

  beforeAll(async () => {
    if (chromiumPath === undefined) {
      if (process.env['CI'] === 'true') throw new Error('no chromium on the PATH; install it (.ci/run says how)');
      return;
    }
    browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox', '--disable-gpu'] });
  });
  beforeEach((context) => {
    if (browser === undefined) context.skip('no chromium on the PATH');
  });
  afterAll(() => browser?.close());

  const newUser = async (): Promise<BrowserContext> => {
    if (browser === undefined) throw new Error('Chromium is not there before the first test');
    const user = await browser.newContext();
    const thrown: Error[] = [];
    user.on('weberror', (event) => thrown.push(event.error()));
    onTestFinished(async () => {
      await user.close();
      if (thrown[0] !== undefined) throw thrown[0];
    });
    return user;
  };
  return { newUser, newPage: async () => (await newUser()).newPage() };
}

/** One file of a module and all that it imports, from the sources of the packages. `code` is TypeScript that stands in the root of the repository. */
export async function bundleForPage(code: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: code, loader: 'ts', resolveDir: root, sourcefile: 'page.ts' },
    absWorkingDir: root,
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    conditions: ['hexbus-source'],
    logLevel: 'silent',
  });
  return outputFiles[0]?.text ?? '';
}

/** A server for one test: a gateway's transport may attach to it. */
export interface PageServer {
  readonly server: Server;
  readonly port: number;
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
type Scripts = Readonly<Record<`/${string}.js`, string>>;

/** Serves `/` as a page that loads `/page.js`, and each script under its path. `others` answers what is not one of these. Closed after the test. */
export async function servePage(scripts: Scripts, others: Answer = notFound): Promise<PageServer> {
  const server = createServer(answerWithPage(scripts, others));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { server, port, url: `http://127.0.0.1:${port}` };
}

/** The same as a listener to `request`, for a server that is there. */
export function answerWithPage(scripts: Scripts, others: Answer = notFound): Answer {
  const files = new Map<string, string>(Object.entries(scripts));
  return (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const script = files.get(pathname);
    if (request.method !== 'GET' || (pathname !== '/' && script === undefined)) {
      others(request, response);
      return;
    }
    response.setHeader('content-type', script === undefined ? 'text/html; charset=utf-8' : 'text/javascript');
    response.end(script ?? html);
  };
}

const html = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>test</title><link rel="icon" href="data:,"></head>
<body><script type="module" src="/page.js"></script></body>
</html>
`;

function notFound(_: IncomingMessage, response: ServerResponse): void {
  response.writeHead(404).end();
}
