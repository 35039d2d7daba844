import { createWsTransport, type WsTransport, type WsTransportOptions } from '@hexbus/adapter-ws';
import { type Admit, type Opened, open } from '../../../../test/support/transports/host.ts';

export type { Opened } from '../../../../test/support/transports/host.ts';
export { closeAfterEach, Guest } from '../../../../test/support/transports/host.ts';

/** An open transport on a port of its own, unless the options say otherwise. It is closed after the test. */
export function openWs(options: WsTransportOptions = {}, admit?: Admit): Promise<Opened<WsTransport>> {
  const place = options.server === undefined ? { port: 0, host: '127.0.0.1' } : {};
  return open(createWsTransport({ ...place, ...options }), admit);
}
