import type { OutgoingHttpHeaders } from 'node:http';
import { dial, textOf } from './dial.ts';

export interface Posted {
  readonly status: number;
  readonly text: string;
  readonly retryAfter: string | undefined;
  /** It was the transport that refused. */
  readonly isRefused: boolean;
}

/** POSTs once, on a connection of its own. A header that is undefined is left out. */
export async function post(
  port: number,
  headers: Readonly<Record<string, string | number | undefined>>,
  body: string | Buffer = '',
  query = '',
): Promise<Posted> {
  const all = Object.entries({ 'content-type': 'application/x-ndjson', ...headers });
  const present = Object.fromEntries(all.filter(([, value]) => value !== undefined)) as OutgoingHttpHeaders;
  const caller = dial('http', port);
  const answer = await caller.ask({ method: 'POST', url: `/hexbus/sse${query}`, headers: present, body });
  if (answer === undefined) return { status: 0, text: '', retryAfter: undefined, isRefused: false };
  const text = await textOf(answer.body);
  caller.reset();
  const { 'retry-after': retryAfter, 'hexbus-refused': refused } = answer.headers;
  return { status: answer.status, text, retryAfter, isRefused: refused === '1' };
}

/** POSTs texts on a link. */
export function postOn(
  port: number,
  link: string,
  sequence: number,
  body: string | Buffer = '',
  query = '',
): Promise<Posted> {
  return post(port, { 'hexbus-link': link, 'hexbus-sequence': sequence }, body, query);
}
