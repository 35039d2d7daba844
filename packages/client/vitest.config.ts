import { packageTests } from '../../vitest.shared.ts';

export default packageTests('client', ['test/choosing.test.ts', 'test/sse-sockets.test.ts']);
