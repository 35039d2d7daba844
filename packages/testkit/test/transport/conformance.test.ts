import { transportSuite } from '@hexbus/testkit';
import { describe, it } from 'vitest';
import { memoryAdapter } from './memory-adapter.ts';

transportSuite({ describe, it }, memoryAdapter);
