import { createMemoryHistory } from '@hexbus/store-memory';
import { historyStoreSuite } from '@hexbus/testkit';
import { describe, it } from 'vitest';

historyStoreSuite({ describe, it }, { name: 'memory', create: createMemoryHistory });
