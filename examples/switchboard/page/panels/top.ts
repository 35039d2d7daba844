import { type User, users } from '../../shared/users.ts';
import { find, make } from '../dom.ts';
import type { LinkState, Tab, TransportName } from '../tab.ts';
import { seconds, shortName, transportName } from '../words.ts';

/** Whose tab this is, how it is connected, and the ways to the tabs of others. */
export function showTop(tab: Tab, you: User): void {
  document.title = `${you.name} · hexbus switchboard`;
  find('#your-name').textContent = you.name;
  const others = users.filter((user) => user !== you);
  find('#others').replaceChildren(
    'Open as ',
    ...others.map(({ id, name }) => make('a', { href: `/?user=${id}`, target: '_blank', rel: 'noopener' }, name)),
  );
  showLinkState(tab);
  offerTransports(tab);
}

function showLinkState(tab: Tab): void {
  const state = find('#link-state');
  tab.onState((link) => {
    state.dataset['state'] = link.connected ? 'connected' : 'away';
    state.dataset['session'] = link.session ?? '';
    state.textContent = inWords(link);
  });
}

function inWords({ connected, session, transport, retryMs }: LinkState): string {
  if (connected) return `Connected over ${transportName(transport)} · tab ${shortName(session ?? '')}`;
  return retryMs === undefined ? 'Connecting' : `Cut off, tries again in ${seconds(retryMs)}`;
}

/** Whoever is connected may switch, once at a time. */
function offerTransports(tab: Tab): void {
  const choice = find<HTMLFieldSetElement>('#transport');
  tab.onState(({ connected }) => {
    if (connected) choice.disabled = false;
  });
  choice.addEventListener('change', async ({ target }) => {
    const chosen = target as HTMLInputElement;
    choice.disabled = true;
    await tab.switchTo(chosen.value as TransportName);
    // It had the focus, and has lost it by being disabled.
    if (document.activeElement === document.body) chosen.focus();
  });
}
