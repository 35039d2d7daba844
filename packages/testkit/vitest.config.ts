import { packageTests } from '../../vitest.shared.ts';

export default packageTests('testkit', ['test/node-test.test.ts']);
