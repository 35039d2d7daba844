import { isHexbusError } from '@hexbus/core';
import { createSeededRandomness } from '@hexbus/testkit';
import { createChaosProxy } from '@hexbus/testkit/chaos';
import { expect, onTestFinished, test } from 'vitest';
import { clientOf, openHouse } from './support/house.ts';
import { seed } from './support/seed.ts';
import { vias } from './support/via.ts';
import { Watch } from './support/watch.ts';

/** A busy machine takes its time. */
const timeout = 120_000;
const messages = 400;

test.each(vias)(
  `what a client publishes over %s through a wild network is there once, and in order (seed ${seed})`,
  { timeout },
  async (via) => {
    const house = await openHouse({ gateway: { timings: { pingMs: 50 } } });
    const proxy = await createChaosProxy({
      target: { port: house.port },
      randomness: createSeededRandomness(seed),
      mode: 'wild',
      maxBytesBetweenFaults: 16_384,
      maxMsBetweenFaults: 200,
      maxDelayMs: 10,
    });
    onTestFinished(() => proxy.close());
    const client = clientOf(via, proxy.port, { timings: { silenceSlackMs: 50, connectTimeoutMs: 500 } });
    const watch = new Watch();
    client.observe('state', watch.changed);
    void client.open();
    const failures = new Set<string>();
    const positions: unknown[] = [];

    async function publish(body: number): Promise<void> {
      for (;;) {
        await watch.until(() => client.connected);
        try {
          const { position } = await client.publish('told', body, { id: `id-${body}` });
          positions.push(position);
          return;
        } catch (error) {
          if (!isHexbusError(error, 'HEXBUS_DISCONNECTED') && !isHexbusError(error, 'HEXBUS_OUTCOME_UNKNOWN'))
            throw error;
          failures.add(error.code);
        }
      }
    }

    for (let body = 0; body < messages; body++) await publish(body);
    const { messages: stored } = await house.bus.read('told', { limit: messages + 1 });
    expect(
      stored.map(({ body }) => body),
      `seed ${seed}`,
    ).toEqual(Array.from({ length: messages }, (_, body) => body));
    expect(positions, `seed ${seed}`).toEqual(stored.map(({ position }) => position));
    expect(failures).toContain('HEXBUS_OUTCOME_UNKNOWN');
  },
);
