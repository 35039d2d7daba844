import { packageTests } from '../../vitest.shared.ts';

export default packageTests('core', [
  'test/encoding.test.ts',
  'test/errors.test.ts',
  'test/memory.test.ts',
  'test/units.test.ts',
  'test/bridge/properties.test.ts',
  'test/gateway/pending-requests.test.ts',
  'test/gateway/event-source-properties/*.test.ts',
  'test/gateway/stream-properties/*.test.ts',
  'test/properties/*.test.ts',
]);
