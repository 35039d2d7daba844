import { createMemoryBroker } from '@hexbus/core/gateway';
import { brokerSuite } from '@hexbus/testkit';
import { describe, it } from 'vitest';

const property = { runs: process.env['HEXBUS_DEEP'] === '1' ? 20_000 : 1_000 };

brokerSuite({ describe, it }, { name: 'memory', create: ({ clock }) => createMemoryBroker({ clock }), property });
