import type { ProtocolHost } from '@hexbus/core/gateway';

/** One call of a host: its name and its arguments, without those that were not passed. */
export type HostCall = {
  [Name in keyof ProtocolHost]: readonly [Name, ...Parameters<ProtocolHost[Name]>];
}[keyof ProtocolHost];

/** A host of a protocol session that does nothing but remember its calls. */
export interface RecordingHost extends ProtocolHost {
  readonly calls: readonly HostCall[];
  /** The calls since the last `take`. */
  take(): readonly HostCall[];
}

export function createRecordingHost(): RecordingHost {
  const calls: HostCall[] = [];
  let taken = 0;
  const record =
    <Name extends keyof ProtocolHost>(name: Name) =>
    (...values: Parameters<ProtocolHost[Name]>): void => {
      calls.push([name, ...values] as unknown as HostCall);
    };
  return {
    calls,
    take: () => {
      const fresh = calls.slice(taken);
      taken = calls.length;
      return fresh;
    },
    hello: record('hello'),
    subscribe: record('subscribe'),
    unsubscribe: record('unsubscribe'),
    acknowledge: record('acknowledge'),
    ask: record('ask'),
    publish: record('publish'),
    reply: record('reply'),
    cancel: record('cancel'),
    authenticate: record('authenticate'),
    ping: record('ping'),
    violated: record('violated'),
    ignored: record('ignored'),
  };
}
