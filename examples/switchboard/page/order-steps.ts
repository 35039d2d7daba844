import type { Bus } from '@hexbus/core';
import { addToLog, make } from './dom.ts';
import { orderStepsTopic, type PageEvents } from './page-events.ts';
import { waited } from './words.ts';

/** The module that is loaded later: shows each order step that waited for it, and each that follows. */
export function listenToOrderSteps(bus: Bus<PageEvents>, list: HTMLElement): void {
  bus.subscribe(orderStepsTopic, ({ body, time }) => {
    addToLog(
      list,
      make('li', {}, make('strong', {}, `Step ${body.step}`), ' ', make('small', {}, waited(time) ?? 'came at once')),
    );
  });
}
