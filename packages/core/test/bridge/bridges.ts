import {
  type BridgeObserverEvents,
  type BridgeResult,
  createMessageBridge,
  type MessageBridge,
  type MessageBridgeOptions,
} from '@hexbus/core';
import { onTestFinished } from 'vitest';
import { type TestBus, type TestBusOptions, useBuses } from '../support/buses.ts';
import { createFakeSource, type FakeSource } from './fake-source.ts';

export interface Ended {
  readonly topic: string;
  readonly body: unknown;
  readonly result: BridgeResult;
  readonly type: string;
}

/** An open bus with an open bridge. */
export interface Bridged extends TestBus {
  readonly bridge: MessageBridge;
  readonly source: FakeSource;
  /** What `afterPublish` was told since the last call. */
  takeEnded(): Ended[];
  /** What the bridge's `error` observer was told since the last call. */
  takeBridgeErrors(): BridgeObserverEvents['error'][];
}

/**
 * Makes buses with bridges for the tests of one file: `Step` and `Done` are saved to job.step; `Momentary` goes to a held topic unsaved, `Hint` to one that is not
 * retained, `Order` to one with limits.
 */
export function useBridges(): (hooks?: Partial<MessageBridgeOptions>, busOptions?: TestBusOptions) => Promise<Bridged> {
  const { open } = useBuses();
  return async (hooks = {}, busOptions = {}) => {
    const testBus = await open(busOptions);
    const source = createFakeSource();
    const ended: Ended[] = [];
    const errors: BridgeObserverEvents['error'][] = [];
    const bridge = createMessageBridge(testBus.bus, {
      source,
      messages: [
        { type: 'Step', topic: 'job.step', saveHistory: true },
        { type: 'Done', topic: 'job.step', saveHistory: true },
        { type: 'Momentary', topic: 'job.now' },
        { type: 'Hint', topic: 'hint' },
        { type: 'Order', topic: 'order.in' },
      ],
      afterPublish: (topic, body, result, { type }) => ended.push({ topic, body, result, type }),
      ...hooks,
    });
    bridge.observe('error', (event) => errors.push(event));
    await bridge.open();
    onTestFinished(() => bridge.close());
    return { ...testBus, bridge, source, takeEnded: () => ended.splice(0), takeBridgeErrors: () => errors.splice(0) };
  };
}
