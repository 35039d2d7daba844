import { packageTests } from '../../vitest.shared.ts';

export default packageTests('adapter-sse', ['test/leaks.test.ts', 'test/relay.test.ts', 'test/slow-readers.test.ts']);
