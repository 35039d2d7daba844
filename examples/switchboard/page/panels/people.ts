import type { Person, TabState } from '../../shared/messages.ts';
import { find, make } from '../dom.ts';
import type { PeopleNow } from '../people-now.ts';
import type { Tab } from '../tab.ts';
import { count, plural, shortName, transportName } from '../words.ts';

/** A table of people and their tabs, with what waits for whom. */
export function showPeople(tab: Tab, people: PeopleNow): void {
  const rows = find('#people-rows');
  people.watch((all) => rows.replaceChildren(...all.flatMap((person) => rowsOf(person, tab))));
}

function rowsOf(person: Person, tab: Tab): HTMLElement[] {
  const { id, name, tabs, waitingCount } = person;
  const tabRows = tabs.length === 0 ? 1 : tabs.length;
  const you = id === tab.user ? ' (you)' : '';
  const rows = (tabs.length === 0 ? [undefined] : tabs).map((state, index) => {
    const head = make('th', { scope: 'rowgroup', rowspan: tabRows + (waitingCount > 0 ? 1 : 0) }, `${name}${you}`);
    return make(
      'tr',
      { 'data-user': id, 'data-session': state?.session },
      ...(index === 0 ? [head] : []),
      ...cellsOf(state, tab),
    );
  });
  if (waitingCount > 0) rows.push(make('tr', { 'data-user': id, class: 'waiting' }, waitingCell(person)));
  return rows;
}

function cellsOf(shown: TabState | undefined, tab: Tab): HTMLElement[] {
  if (shown === undefined) return [make('td', { colspan: 4, class: 'quiet' }, 'away')];
  const { session, state, transport, capabilities, behind } = shown;
  const over = { connected: transportName(transport), cut: 'cut off', closed: 'closed' }[state];
  return [
    make('td', {}, make('code', {}, shortName(session)), session === tab.session ? ' this one' : ''),
    make('td', {}, make('span', { class: 'badge', 'data-state': state }, over)),
    make('td', { class: 'number' }, behind === undefined ? '–' : count(behind)),
    make('td', { class: 'capabilities' }, ...capabilities.map((name) => make('span', { class: 'tag' }, name))),
  ];
}

function waitingCell({ waiting, waitingCount }: Person): HTMLElement {
  const more = waitingCount - waiting.length;
  const notes = waiting.map(({ from, text }) => make('li', {}, `${from}: ${text}`));
  return make(
    'td',
    { colspan: 4 },
    make('strong', {}, `${plural(waitingCount, 'message')} ${waitingCount === 1 ? 'waits' : 'wait'}`),
    make('ol', {}, ...notes, ...(more > 0 ? [make('li', { class: 'quiet' }, `and ${count(more)} more`)] : [])),
  );
}
