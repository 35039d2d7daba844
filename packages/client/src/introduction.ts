import { encodeHello, encodeSubscribe, type Hello } from '@hexbus/core/wire';
import { fitsFrame } from './frame-checks.ts';

/** HELLO and, for after WELCOME, those of its subscriptions for which it has no room, each in a frame of its own. */
export function introduction(hello: Hello): readonly [hello: string, ...rest: readonly string[]] {
  const { subscriptions } = hello;
  for (let count = subscriptions.length; ; count >>= 1) {
    const first = encodeHello({ ...hello, subscriptions: subscriptions.slice(0, count) });
    if (count === 0 || fitsFrame(first)) return [first, ...subscriptions.slice(count).map(encodeSubscribe)];
  }
}
