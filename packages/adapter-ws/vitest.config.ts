import { packageTests } from '../../vitest.shared.ts';

export default packageTests('adapter-ws', ['test/hostile-frames.test.ts', 'test/slow-peers.test.ts']);
