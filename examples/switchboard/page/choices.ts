import { make } from './dom.ts';

export interface Choice {
  readonly value: string;
  readonly label: string;
}

/** Choices by the heading of their group. */
export type Choices = Readonly<Record<string, readonly Choice[]>>;

/** Offers these choices. What is chosen stays chosen also when it is gone, so that nothing is sent to somebody else by surprise. */
export function offer(select: HTMLSelectElement, choices: Choices): void {
  const text = JSON.stringify(choices);
  if (select.dataset['choices'] === text) return;
  select.dataset['choices'] = text;
  const { value, selectedOptions } = select;
  const label = selectedOptions[0]?.label ?? value;
  const groups = Object.entries(choices).filter(([, offered]) => offered.length > 0);
  select.replaceChildren(
    ...groups.map(([heading, offered]) => make('optgroup', { label: heading }, ...offered.map(optionOf))),
  );
  if (value === '') return;
  const isThere = groups.some(([, offered]) => offered.some((choice) => choice.value === value));
  if (!isThere) select.append(optionOf({ value, label: label.endsWith('(gone)') ? label : `${label} (gone)` }));
  select.value = value;
}

function optionOf({ value, label }: Choice): HTMLOptionElement {
  return make('option', { value }, label);
}
