import { createSseTransport } from '@hexbus/adapter-sse';
import { testOptions } from '../../../test/support/transports/option-tests.ts';

testOptions(createSseTransport, [
  ['host', { host: '127.0.0.1' }],
  ['path', { path: '/häx' }],
  ['keepAliveMs', { keepAliveMs: 0 }],
  ['retryMs', { retryMs: -1 }],
  ['bodyTimeoutMs', { bodyTimeoutMs: Number.NaN }],
  ['handshakeTimeoutMs', { handshakeTimeoutMs: 1.5 }],
  ['chunked', { chunked: { a: 1 } }],
]);
