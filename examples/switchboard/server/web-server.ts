import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { userOf, users } from '../shared/users.ts';
import type { PageFile } from './page-files.ts';
import { urlOf } from './url.ts';

/** The page loads nothing from elsewhere, and runs nothing that is written into it. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

/** Serves the files of the page. Transports may be its guests. */
export function createWebServer(files: ReadonlyMap<string, PageFile>): Server {
  return createServer((request, response) => answer(files, request, response));
}

function answer(files: ReadonlyMap<string, PageFile>, request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('Content-Security-Policy', contentSecurityPolicy);
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Referrer-Policy', 'no-referrer');
  response.setHeader('Cache-Control', 'no-store');
  const url = urlOf(request.url);
  const file = files.get(url?.pathname ?? '');
  if (request.method !== 'GET' && request.method !== 'HEAD') response.writeHead(405, { Allow: 'GET, HEAD' }).end();
  else if (file === undefined) response.writeHead(404).end();
  // Everybody on the page is somebody.
  else if (url?.pathname === '/' && userOf(url.searchParams.get('user')) === undefined)
    response.writeHead(302, { Location: `/?user=${users[0]?.id}` }).end();
  else response.writeHead(200, { 'Content-Type': file.type }).end(file.bytes);
}

/** Resolves with the address of the page. */
export async function listen(server: Server, port: number): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      reject(taken ? new Error(`port ${port} is in use; choose another one: npm start -- --port N`) : error);
    });
    server.listen(port, '127.0.0.1', resolve);
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}
