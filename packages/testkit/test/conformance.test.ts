import { historyStoreSuite } from '@hexbus/testkit';
import { describe, it } from 'vitest';
import { durableMinimal } from './durable-minimal.ts';
import { MinimalHistory } from './minimal-history.ts';

const property = { runs: process.env['HEXBUS_DEEP'] === '1' ? 20_000 : 500 };

historyStoreSuite(
  { describe, it },
  { name: 'minimal', create: ({ clock, randomness }) => new MinimalHistory(clock, randomness), property },
);

historyStoreSuite({ describe, it }, { ...durableMinimal(), property });
