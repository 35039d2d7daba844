import type { AskOutcome, Person } from '../../shared/messages.ts';
import { type Choices, offer } from '../choices.ts';
import { addToLog, find, make } from '../dom.ts';
import { type PeopleNow, tabsOf } from '../people-now.ts';
import type { Tab } from '../tab.ts';
import { seconds, shortName } from '../words.ts';

/** What this tab waits longer for the server than the server for the other tab. */
const slackMs = 5_000;

/** A form that asks a tab, and a list of how that ended. */
export function showAsk(tab: Tab, people: PeopleNow): void {
  const target = find<HTMLSelectElement>('#ask-target');
  const text = find<HTMLInputElement>('#ask-text');
  const wait = find<HTMLSelectElement>('#ask-wait');
  const outcomes = find('#outcomes');
  people.watch((all) => offer(target, choicesOf(all, tab.session)));

  find('#ask').addEventListener('submit', async (event) => {
    event.preventDefault();
    const timeoutMs = Number(wait.value);
    const entry = make('li', { 'data-status': 'open' }, make('strong', {}, 'asking'), ` ${text.value}`);
    addToLog(outcomes, entry, 20);
    const begun = performance.now();
    const ask = { session: target.value, text: text.value, timeoutMs };
    const outcome = await tab.request('ask', ask, { timeoutMs: timeoutMs + slackMs });
    if (outcome.status === 'success') show(entry, outcome.body);
    else {
      const text = outcome.status === 'error' ? outcome.code : '';
      show(entry, { status: outcome.status, text, tookMs: performance.now() - begun });
    }
  });
}

/** Only who is there and offers to answer can be asked. */
function choicesOf(people: readonly Person[], own: string | undefined): Choices {
  const able = tabsOf(people).filter(({ tab }) => tab.state === 'connected' && tab.capabilities.includes('questions'));
  const choice = ({ person, tab }: (typeof able)[number]) => ({
    value: tab.session,
    label: `${person.name} · ${shortName(tab.session)}`,
  });
  return {
    'Other tabs': able.filter(({ tab }) => tab.session !== own).map(choice),
    'This tab': able.filter(({ tab }) => tab.session === own).map(choice),
  };
}

function show(entry: HTMLElement, { status, text, tookMs }: AskOutcome): void {
  entry.dataset['status'] = status;
  entry.replaceChildren(make('strong', {}, status), ` ${text} `, make('small', {}, `after ${seconds(tookMs)}`));
}
