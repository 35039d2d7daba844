import type { SecondOfTraffic } from '../../shared/messages.ts';
import { BarChart } from '../bar-chart.ts';
import { find } from '../dom.ts';
import type { Tab } from '../tab.ts';
import { count, plural } from '../words.ts';

const shownSeconds = 60;

/** Three charts over the last minute. A page that has just been opened gets it from the history. */
export function showMinute(tab: Tab): void {
  const messages = new BarChart('Messages a second', ['messages'], shownSeconds);
  const behind = new BarChart('Behind, the slowest tab', ['behind'], shownSeconds);
  const outcomes = new BarChart('Outcomes of questions', ['success', 'timeout', 'error'], shownSeconds);
  find('#minute-charts').replaceChildren(messages.element, behind.element, outcomes.element);

  let minute: readonly (SecondOfTraffic | undefined)[] = [];
  const draw = (): void => {
    const now = minute.at(-1);
    messages.draw(
      minute.map((second) => [second?.messages ?? 0]),
      count(now?.messages ?? 0),
    );
    behind.draw(
      minute.map((second) => [second?.behind ?? 0]),
      plural(now?.behind ?? 0, 'message'),
    );
    const counts = (['success', 'timeout', 'error'] as const).map((status) =>
      minute.reduce((sum, second) => sum + (second?.outcomes[status] ?? 0), 0),
    );
    const words = ['answered', 'timed out', 'failed'].map((word, index) => `${counts[index]} ${word}`);
    outcomes.draw(
      minute.map((second) => [
        second?.outcomes.success ?? 0,
        second?.outcomes.timeout ?? 0,
        second?.outcomes.error ?? 0,
      ]),
      words.join(' · '),
    );
  };
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
