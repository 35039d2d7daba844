import { find } from '../dom.ts';
import { Lane } from '../lane.ts';
import type { Report } from '../report.ts';
import { SlowHand } from '../slow-hand.ts';
import type { Tab } from '../tab.ts';
import { reasonOf } from '../words.ts';

const cutMs = 3_000;
const cellsShown = 60;

/** Two strips of the numbers that came, one of the topic that is kept and one of the topic that is not, and a button that cuts the connection. */
export function showPulse(tab: Tab, report: Report): void {
  const kept = new Lane('Kept', 'pulse.kept', cellsShown);
  const fleeting = new Lane('Not kept', 'pulse.fleeting', cellsShown);
  find('#lanes').replaceChildren(kept.element, fleeting.element);
  const hand = new SlowHand();
  let connectedAt = 0;
  tab.onState(({ connected }) => {
    // The server is on this machine, so both have the same clock.
    if (connected) connectedAt = Date.now();
  });

  const followed = { from: { last: cellsShown } } as const;
  tab.follow(
    'pulse.kept',
    async ({ body, time, position }) => {
      await hand.rest();
      kept.came(body.number, time < connectedAt, position);
      report.handled(body.number);
    },
    { ...followed, onGap: () => kept.explain('the history has trimmed some') },
  );
  tab.follow('pulse.fleeting', ({ body }) => fleeting.came(body.number, false), {});

  offerCut(tab);
  offerRates(tab);
  find<HTMLInputElement>('#slow').addEventListener('change', ({ target }) => {
    hand.slow = (target as HTMLInputElement).checked;
  });
}

function offerCut(tab: Tab): void {
  const cut = find<HTMLButtonElement>('#cut');
  cut.addEventListener('click', () => void tab.request('cut', { forMs: cutMs }));
  // Not disabled: that would take the focus away from who uses the keyboard.
  tab.onState(({ connected }) => cut.setAttribute('aria-disabled', String(!connected)));
}

/** The rate is the server's, so each tab shows what any of them has set. */
function offerRates(tab: Tab): void {
  const rate = find<HTMLSelectElement>('#rate');
  const result = find('#pulse-result');
  let told = rate.value;
  let asking = 0;
  const show = (): void => {
    // What it was before must not come between the choices of who goes through them quickly.
    if (asking === 0) rate.value = told;
  };
  tab.follow(
    'board.pulse',
    ({ body }) => {
      told = String(body.perSecond);
      show();
    },
    { from: { last: 1 } },
  );
  rate.addEventListener('change', async () => {
    asking += 1;
    const outcome = await tab.request('setPulse', { perSecond: Number(rate.value) });
    asking -= 1;
    result.textContent = outcome.status === 'success' ? '' : `Not set: ${reasonOf(outcome)}.`;
    show();
  });
}
