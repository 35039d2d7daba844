import { packageTests } from '../../vitest.shared.ts';

export default packageTests('store-sqlite', ['test/*.test.ts']);
