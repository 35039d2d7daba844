import { protocolSuite } from '@hexbus/testkit';
import { describe, it } from 'vitest';
import { native } from './native.ts';

protocolSuite({ describe, it }, { ...native, property: { runs: process.env['HEXBUS_DEEP'] === '1' ? 20_000 : 500 } });
