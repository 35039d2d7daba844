import type { Person, TabState } from '../shared/messages.ts';
import type { Tab } from './tab.ts';

/** A tab of a person, as a list of choices shows it. */
export interface TabOfPerson {
  readonly person: Person;
  readonly tab: TabState;
}

/** Who is there, for every panel that shows it. */
export class PeopleNow {
  readonly #watchers: ((people: readonly Person[]) => void)[] = [];

  constructor(tab: Tab) {
    tab.follow('board.people', ({ body }) => this.#watchers.forEach((watcher) => void watcher(body.people)), {
      from: { last: 1 },
    });
  }

  watch(watcher: (people: readonly Person[]) => void): void {
    this.#watchers.push(watcher);
  }
}

export function tabsOf(people: readonly Person[]): readonly TabOfPerson[] {
  return people.flatMap((person) => person.tabs.map((tab) => ({ person, tab })));
}
