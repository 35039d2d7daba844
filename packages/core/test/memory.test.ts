import { expect, test } from 'vitest';
import { useBuses } from './support/buses.ts';
import { deferred } from './support/deferred.ts';
import { countReachable } from './support/garbage.ts';

const { open } = useBuses();

test.each(['order.x', 'job.x'])(
  'a subscription to %s that never catches up lets go of what it has handled',
  async (topic) => {
    const { bus } = await open();
    const count = 3000;
    const handled: WeakRef<object>[] = [];
    const enough = deferred();
    const rest = deferred();
    bus.subscribe(topic, async (message) => {
      handled.push(new WeakRef(message));
      if (handled.length === count) enough.resolve();
      if (handled.length >= count) await rest.promise;
      else await bus.publish(topic, handled.length);
    });
    for (let n = 0; n < 4; n++) void bus.publish(topic, n);
    await enough.promise;
    // The newest are kept for those who come next.
    expect(await countReachable(handled.slice(0, 500))).toBe(0);
    rest.resolve();
  },
);
