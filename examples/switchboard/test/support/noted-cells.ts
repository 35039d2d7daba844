import type { Cell, LaneTopic, Tab } from './tab.ts';

/** Notes from now on each cell that the strip of a topic shows, though others have pushed it out since. What it resolves with tells all of them, oldest first. */
export async function noteCells(tab: Tab, topic: LaneTopic): Promise<() => Promise<readonly Cell[]>> {
  const notes = await tab.lane(topic).evaluateHandle((lane) => {
    const states = new Map<number, string>();
    const look = (): void => {
      for (const cell of lane.querySelectorAll<HTMLElement>('.cell[data-number]'))
        states.set(Number(cell.dataset['number']), cell.className.replace('cell ', ''));
    };
    new MutationObserver(look).observe(lane, { subtree: true, childList: true, attributes: true });
    look();
    return states;
  });
  return () => notes.evaluate((states) => [...states].map(([number, state]) => ({ number, state }) as Cell));
}
