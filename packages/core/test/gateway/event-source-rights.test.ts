import { expect, it } from 'vitest';
import { createEventSource } from './support/event-source.ts';
import { useGateways } from './support/use-gateways.ts';

const gateways = useGateways();

it('a client that only listens is sent away to come back, where authorize fails: it cannot ask again', async () => {
  let authorize = (): boolean => {
    throw new Error('trouble');
  };
  const world = await gateways.open({ authorize: () => authorize() });
  const source = createEventSource(world, '?topic=order.a&from=earliest', 'ann');
  await world.publish('order.a', 1);
  await source.connect();
  expect(source.lines()).toEqual(['WELCOME', 'ERROR 1 remote-error', 'BYE 1013']);
  expect(await source.closed()).toMatchObject({ code: 1013 });
  const failing = authorize;
  authorize = () => true;
  await source.connect();
  expect(source.lines().filter((line) => line.startsWith('order'))).toEqual(['order.a#1 1']);
  authorize = failing;
  await world.gateway.revoke({ user: 'ann' });
  expect(source.lines()).toEqual(['ERROR 1 remote-error', 'BYE 1013']);
  await world.publish('order.a', 2);
  authorize = () => true;
  await source.connect();
  expect(source.lines().filter((line) => line.startsWith('order'))).toEqual(['order.a#2 2']);
  expect(world.observed('error')).toHaveLength(2);
});
