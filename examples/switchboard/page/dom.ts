/** The element that a selector names, which must be in the page. */
export function find<Type extends Element = HTMLElement>(selector: string, within: ParentNode = document): Type {
  const found = within.querySelector<Type>(selector);
  if (found === null) throw new Error(`the page has no ${selector}`);
  return found;
}

/** Makes an element. Texts are never read as HTML. */
export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string | number | undefined>> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined) element.setAttribute(key, String(value));
  }
  element.append(...children);
  return element;
}

/** Adds an entry at the end of a log, and shows it unless the reader has scrolled away from the end. */
export function addToLog(log: HTMLElement, entry: HTMLElement, max = 100): void {
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 24;
  log.append(entry);
  while (log.childElementCount > max) log.firstElementChild?.remove();
  if (atEnd) log.scrollTop = log.scrollHeight;
}
