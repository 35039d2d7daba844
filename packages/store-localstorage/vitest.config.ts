import { packageTests } from '../../vitest.shared.ts';

export default packageTests('store-localstorage', ['test/leases.test.ts', 'test/options.test.ts']);
