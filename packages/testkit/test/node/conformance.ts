import { describe, it } from 'node:test';
import { historyStoreSuite } from '@hexbus/testkit';
import { durableMinimal } from '../durable-minimal.ts';
import { MinimalHistory } from '../minimal-history.ts';

historyStoreSuite(
  { describe, it },
  { name: 'minimal', create: ({ clock, randomness }) => new MinimalHistory(clock, randomness) },
);

historyStoreSuite({ describe, it }, durableMinimal());
