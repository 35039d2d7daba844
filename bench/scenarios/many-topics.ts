import { type Bus, createBus } from '@hexbus/core';
import type { Contestant, Scenario } from '../harness.ts';
import { nanosecondsEach } from '../measure.ts';
import { type BodyMap, openRetainedBus, publishInBursts } from '../retained-bus.ts';

const many = 10_000;
const burst = 100;
const one = 'one topic, one subscription';
const thatOne = '10,000 and 10,000, always the same topic';
const each = '10,000 and 10,000, each topic in turn';

function topicsOf(variant: string): string[] {
  return Array.from({ length: variant === one ? 1 : many }, (_, index) => `order.created.${index}`);
}

/** Subscribes one listener to each topic, and measures `work` with what chooses the topic of the next message. */
async function subscribed(
  bus: Bus<BodyMap>,
  variant: string,
  measure: (nextTopic: () => string, settled: () => Promise<void>) => Promise<number>,
): Promise<number> {
  const topics = topicsOf(variant);
  let heard = 0;
  const subscriptions = topics.map((topic) => bus.subscribe(topic, () => heard++));
  await Promise.all(subscriptions.map(({ ready }) => ready));
  let sent = 0;
  const middle = topics.length >>> 1;
  const nextTopic = (): string => {
    sent++;
    return topics[variant === each ? sent % many : middle] as string;
  };
  // Else the publisher runs further ahead than the topic's maxCount, and the subscription is told of a gap.
  const settled = async (): Promise<void> => subscriptions[middle]?.caughtUp();
  const figure = await measure(nextTopic, settled);
  await Promise.all(subscriptions.map((subscription) => subscription.caughtUp()));
  if (heard !== sent) throw new Error(`${heard} of ${sent} messages were heard`);
  return figure;
}

const emitting: Contestant = (variant, effort) => {
  const bus = createBus<BodyMap>();
  return subscribed(bus, variant, (nextTopic) =>
    nanosecondsEach((times) => {
      for (let index = 0; index < times; index++) bus.emit(nextTopic(), index);
    }, effort),
  );
};

function publishing(publishesPerTurn: number): Contestant {
  return async (variant, effort) => {
    const bus = await openRetainedBus();
    return subscribed(bus, variant, (nextTopic, settled) =>
      nanosecondsEach(
        async (times) => {
          await publishInBursts((index) => bus.publish(nextTopic(), index), times, publishesPerTurn);
          await settled();
        },
        effort,
        publishesPerTurn,
      ),
    );
  };
}

export const manyTopics: Scenario = {
  name: 'many-topics',
  title: 'one among 10,000 topics and 10,000 subscriptions',
  unit: 'ns per message',
  about:
    'One listener on each topic, so each message concerns one of them. Publishes go to a history in memory, in bursts of 100 a turn or awaited one by one.',
  variants: [one, thatOne, each],
  contestants: {
    'hexbus emit': emitting,
    'hexbus publish, bursts': publishing(burst),
    'hexbus publish, one by one': publishing(1),
  },
  goals: ['hexbus emit', 'hexbus publish, bursts', 'hexbus publish, one by one'].map((contestant) => ({
    contestant,
    variant: thatOne,
    against: { variant: one },
    atMost: 1.15,
    note: 'issue',
  })),
};
