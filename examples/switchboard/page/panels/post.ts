import type { Person, PostTarget, Requests } from '../../shared/messages.ts';
import { type Choices, offer } from '../choices.ts';
import { find } from '../dom.ts';
import { type PeopleNow, tabsOf } from '../people-now.ts';
import type { Tab } from '../tab.ts';
import { count, plural, reasonOf, shortName } from '../words.ts';

/** A form that posts to everyone, to a person, or to a tab. */
export function showPost(tab: Tab, people: PeopleNow): void {
  const target = find<HTMLSelectElement>('#post-target');
  const text = find<HTMLInputElement>('#post-text');
  const result = find('#post-result');
  people.watch((all) => offer(target, choicesOf(all)));

  find('#post').addEventListener('submit', async (event) => {
    event.preventDefault();
    const to = targetOf(target.value);
    const outcome = await tab.request('post', { target: to, text: text.value });
    text.select();
    result.textContent = outcome.status === 'success' ? inWords(outcome.body, to) : `Not sent: ${reasonOf(outcome)}.`;
  });
}

function choicesOf(people: readonly Person[]): Choices {
  return {
    Everyone: [{ value: 'all', label: 'Everyone who is here' }],
    People: people.map(({ id, name }) => ({ value: `user:${id}`, label: name })),
    Tabs: tabsOf(people)
      .filter(({ tab }) => tab.state !== 'closed')
      .map(({ person, tab: { session } }) => {
        return { value: `session:${session}`, label: `${person.name} · ${shortName(session)}` };
      }),
  };
}

function targetOf(value: string): PostTarget {
  if (value.startsWith('user:')) return { user: value.slice('user:'.length) };
  return value.startsWith('session:') ? { session: value.slice('session:'.length) } : { all: true };
}

function inWords({ receivers, position }: Requests['post']['answer'], to: PostTarget): string {
  const kept = position === null ? 'not kept' : `kept at position ${count(position)}`;
  if (receivers > 0) return `Sent to ${plural(receivers, 'tab')}, ${kept}.`;
  // A user comes some day; a tab may be gone for good.
  return `Nobody is there: ${'session' in to ? `${kept}, in case that tab comes back` : `it waits, ${kept}`}.`;
}
