import { createSseTransport, type SseTransport, type SseTransportOptions } from '@hexbus/adapter-sse';
import {
  type Admit,
  type Cluster,
  type Opened as OpenedTransport,
  open,
} from '../../../../test/support/transports/host.ts';

export type { Admit, Cluster } from '../../../../test/support/transports/host.ts';
export { closeAfterEach, Guest, letIn, open } from '../../../../test/support/transports/host.ts';

export type Opened = OpenedTransport<SseTransport>;

/** An open transport, on a port of its own unless there is a server. It is closed after the test. */
export function openSse(options: SseTransportOptions = {}, admit?: Admit, cluster?: Cluster): Promise<Opened> {
  const place = options.server === undefined ? { port: 0, host: '127.0.0.1' } : {};
  return open(createSseTransport({ ...place, ...options }), admit, cluster);
}
