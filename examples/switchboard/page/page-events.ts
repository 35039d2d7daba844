import type { OrderStep } from '../shared/messages.ts';

/** The topics of the bus in the page. */
export interface PageEvents {
  'order.steps': OrderStep;
}

export const orderStepsTopic = 'order.steps' as const;
