import { describe, expect, it } from 'vitest';
import { nothingLeft, useGateways } from './support/use-gateways.ts';

const gateways = useGateways();

describe('WELCOME', () => {
  it('names a session, its secret, the connection, where it begins, and how often the server speaks', async () => {
    const { connect, bus } = await gateways.open({ timings: { pingMs: 7_000 } });
    const { welcome } = await connect();
    expect(welcome).toEqual({
      session: expect.stringMatching(/^urn:hexbus:session:[0-9a-f]{32}$/),
      secret: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
      connection: expect.stringMatching(/^[0-9a-f]{32}$/),
      token: bus.cursor,
      resumed: false,
      capabilities: [],
      pingMs: 7_000,
    });
  });

  it('leaves nothing behind when its client has left', async () => {
    const { connect, left, clock } = await gateways.open();
    const client = await connect({ subs: [[1, 'order.a']] }, 'ann');
    client.link.close(1000);
    await clock.runAll();
    expect(await left()).toEqual(nothingLeft);
  });
});
