import { createWsTransport } from '@hexbus/adapter-ws';
import { testOptions } from '../../../test/support/transports/option-tests.ts';

testOptions(createWsTransport, [
  ['server', {}],
  ['options', undefined],
  ['closeTimeoutMs', { port: 0, closeTimeoutMs: 1.5 }],
  ['perMessageDeflate', { port: 0, perMessageDeflate: { threshold: 1 } }],
]);
