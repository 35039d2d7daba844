import type { Outcome } from '@hexbus/core/gateway';

/** What took longer was not on its way, but waited. */
const waitedMs = 1_000;

const counts = new Intl.NumberFormat('en');

/** 1204 as `1,204`. */
export function count(value: number): string {
  return counts.format(value);
}

/** `1 tab`, `2 tabs`. */
export function plural(value: number, one: string, many: string = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** Why a request has no answer. */
export function reasonOf(outcome: Exclude<Outcome, { readonly status: 'success' }>): string {
  return outcome.status === 'error' ? outcome.code : 'no answer in time';
}

/** How long something waited that was published at a time; undefined if it was only on its way. */
export function waited(time: number): string | undefined {
  const ms = Date.now() - time;
  return ms < waitedMs ? undefined : `waited ${seconds(ms)}`;
}

/** 12,345 ms as `12 s`, 3,210 ms as `3.2 s`. */
export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}

/** What tells sessions apart in a list: the end of the URN. */
export function shortName(session: string): string {
  return session.slice(-4);
}

export function transportName(transport: string): string {
  return { ws: 'WebSocket', sse: 'SSE' }[transport] ?? transport;
}
