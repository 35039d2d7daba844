import type { OutcomeStatus, SecondOfTraffic } from '../../shared/messages.ts';
import { BarChart } from '../bar-chart.ts';
import { find } from '../dom.ts';
import type { Tab } from '../tab.ts';
import { count, plural } from '../words.ts';

const shownSeconds = 60;
const statuses: readonly OutcomeStatus[] = ['success', 'timeout', 'error'];

/** Three charts over the last minute. A page that has just been opened gets it from the history. */
export function showMinute(tab: Tab): void {
  const messages = new BarChart('Messages a second', ['messages'], shownSeconds);
  const behind = new BarChart('Behind, the slowest tab', ['behind'], shownSeconds);
  const outcomes = new BarChart('Questions', statuses, shownSeconds);
  find('#minute-charts').replaceChildren(messages.element, behind.element, outcomes.element);

  let minute: readonly (SecondOfTraffic | undefined)[] = [];
  const draw = (): void => {
    const now = minute.at(-1);
    const of = (field: 'messages' | 'behind') => minute.map((second) => [second?.[field] ?? 0]);
    messages.draw(of('messages'), count(now?.messages ?? 0));
    behind.draw(of('behind'), plural(now?.behind ?? 0, 'message'));
    const ended = minute.map((second) => statuses.map((status) => second?.outcomes[status] ?? 0));
    const [answered, timedOut, failed] = statuses.map((_, index) =>
      ended.reduce((sum, each) => sum + (each[index] ?? 0), 0),
    );
    outcomes.draw(ended, `${answered} answered · ${timedOut} timed out · ${failed} failed`);
  };
  // As high as they will be.
  draw();
  tab.follow(
    'board.second',
    ({ body }) => {
      minute = addSecond(minute, body);
      requestAnimationFrame(draw);
    },
    { from: { last: shownSeconds } },
  );
}

/** Seconds in which no server ran are empty. */
function addSecond(
  minute: readonly (SecondOfTraffic | undefined)[],
  second: SecondOfTraffic,
): readonly (SecondOfTraffic | undefined)[] {
  const last = minute.at(-1);
  const passed = last === undefined ? 0 : Math.round((second.at - last.at) / 1_000) - 1;
  const empty = new Array<undefined>(Math.min(Math.max(passed, 0), shownSeconds)).fill(undefined);
  return [...minute, ...empty, second].slice(-shownSeconds);
}
