import { once } from 'node:events';
import { createServer } from 'node:net';

/** The systems give out those from 32,768 or more when they are asked for any, and here nothing usual listens. */
const first = 20_000;
const count = 10_000;

/** A port that stays free when a server lets it go for a while and takes it again: no `listen(0)` of anybody draws it meanwhile. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = first + Math.floor(Math.random() * count);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  // On all addresses, so that it is free on each.
  const probe = createServer();
  const free = once(probe, 'listening').then(
    () => true,
    () => false,
  );
  probe.listen(port);
  const isIt = await free;
  if (isIt) await new Promise((resolve) => probe.close(resolve));
  return isIt;
}
