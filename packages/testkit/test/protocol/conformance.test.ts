import { protocolSuite } from '@hexbus/testkit';
import { describe, it } from 'vitest';
import { eventSource } from './event-source.ts';
import { native } from './native.ts';

const property = { runs: process.env['HEXBUS_DEEP'] === '1' ? 20_000 : 500 };

for (const adapter of [native, eventSource]) protocolSuite({ describe, it }, { ...adapter, property });
