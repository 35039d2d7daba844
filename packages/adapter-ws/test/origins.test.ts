import { expect } from 'vitest';
import { testBrowserHeaders, testOrigins } from '../../../test/support/transports/origin-tests.ts';
import { closeAfterEach, openWs } from './support/host.ts';
import { RawClient } from './support/raw-client.ts';

closeAfterEach();

testOrigins(101, async (origin, origins, host = 'lab.example') => {
  const { port, handshakes, transport } = await openWs({ origins });
  const client = new RawClient(port);
  client.ask({ Origin: origin, Host: host, Cookie: 'session=valid' });
  const { status } = await client.answer();
  client.socket.destroy();
  expect(handshakes).toHaveLength(status === 101 ? 1 : 0);
  await transport.close();
  return status;
});

testBrowserHeaders(async (origin, origins, headers) => {
  const { port, handshakes } = await openWs({ origins });
  const client = new RawClient(port);
  client.ask({ Origin: origin, Host: 'lab.example', ...headers });
  expect((await client.answer()).status).toBe(101);
  client.socket.destroy();
  return handshakes[0]?.headers;
});
