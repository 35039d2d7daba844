import { createFrameBatch } from '@hexbus/testkit';
import { expect, it } from 'vitest';
import { heldBytes } from '../held-bytes.ts';
import type { Guest } from './host.ts';
import type { RawSocket } from './raw-socket.ts';

/** A client that reads nothing, and one that reads, with their guests. */
export interface SlowAndQuick<Client extends RawSocket> {
  readonly slow: Client;
  readonly slowGuest: Guest;
  readonly quick: Client;
  readonly quickGuest: Guest;
}

export interface SlowReading<Client extends RawSocket> {
  /** The number of the threat that they are. */
  readonly threat: number;
  /** What a message takes beside its own bytes. */
  readonly framing: number;
  /** More than the system keeps of a connection. */
  readonly muchBytes: number;
  open(): Promise<SlowAndQuick<Client>>;
  /** The next message that comes to a client. */
  next(client: Client): Promise<string | undefined>;
}

export const sixteenKilobytes = createFrameBatch('x'.repeat(16_384));

/** Sends to a client that reads nothing until more than this waits, of which the system takes nothing more. Returns about how much that has taken. */
export async function fill({ carrier }: Guest, bytes: number): Promise<number> {
  let sent = 0;
  for (let still = 0; still < 20; still++) {
    if (carrier.bufferedBytes <= bytes) still = 0;
    for (; carrier.bufferedBytes <= bytes; sent += 16_384) carrier.send(sixteenKilobytes);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return sent - carrier.bufferedBytes;
}

/** What clients cost that read slowly or not at all. */
export function testSlowReaders<Client extends RawSocket>(reading: SlowReading<Client>): void {
  const { threat, framing, muchBytes, open, next } = reading;

  it(`threat ${threat}: 320 MB published to a slow reader while it is writable keep one batch in memory, and others get theirs`, async () => {
    const { slowGuest, quick, quickGuest } = await open();
    const before = heldBytes();
    let skipped = 0;
    let highest = 0;
    // What the system takes by itself is none of this process's memory.
    for (let count = 0; skipped < 20_000 && count < 60_000; count++) {
      if (slowGuest.carrier.bufferedBytes > 0) skipped += 1;
      else slowGuest.carrier.send(sixteenKilobytes);
      highest = Math.max(highest, slowGuest.carrier.bufferedBytes);
      if (count % 200 > 0) continue;
      quickGuest.carrier.send(sixteenKilobytes);
      expect((await next(quick))?.length).toBe(16_384);
    }
    expect(skipped).toBe(20_000);
    expect(highest).toBeLessThanOrEqual(16_384 + framing);
    expect(heldBytes() - before).toBeLessThan(16 << 20);
  });

  it(`threat ${threat}: a slow reader that is cut at a high mark has freed everything when terminate returns`, async () => {
    const { slow, slowGuest, quick, quickGuest } = await open();
    await fill(slowGuest, muchBytes);
    expect(slowGuest.carrier.bufferedBytes).toBeLessThan(muchBytes + 2 * 16_384);
    slowGuest.carrier.terminate();
    expect(slowGuest.carrier.bufferedBytes).toBe(0);
    expect(await slowGuest.ended).toBe(1006);
    // What the system keeps for it is of no interest, and may be much.
    slow.socket.removeAllListeners('data').resume();
    await slow.closed;
    quickGuest.carrier.send(createFrameBatch('still here'));
    expect(await next(quick)).toBe('still here');
  });

  it('threat 10: a close to a slow reader frees nothing by itself; terminate does', async () => {
    const { slowGuest } = await open();
    const { carrier, ended } = slowGuest;
    await fill(slowGuest, muchBytes);
    carrier.close(4101, 'slow');
    expect(carrier.bufferedBytes).toBeGreaterThan(muchBytes);
    carrier.terminate();
    expect(await ended).toBe(4101);
    expect(carrier.bufferedBytes).toBe(0);
  });
}
