import { type Question, questionName } from '../../shared/messages.ts';
import { find, make } from '../dom.ts';
import { NoAnswer } from '../no-answer.ts';
import type { Tab } from '../tab.ts';

/** What the server asks this tab, for its user to answer. */
export function showQuestions(tab: Tab): void {
  const list = find('#questions');
  tab.handle(questionName, (body, { signal }) => answerOf(list, body as Question, signal));
}

/** Resolves with what the user writes, rejects if she declines. Whoever asked has given up when the signal aborts. */
function answerOf(list: HTMLElement, { from, text }: Question, signal: AbortSignal): Promise<string> {
  const answer = make('input', {
    required: '',
    maxlength: 200,
    autocomplete: 'off',
    placeholder: 'Your answer',
    'aria-label': `Answer to ${from}`,
  });
  const decline = make('button', { type: 'button', class: 'plain' }, 'Decline');
  const form = make(
    'form',
    { class: 'question' },
    make('p', {}, make('strong', {}, `${from} asks:`), ` ${text}`),
    answer,
    make('button', { type: 'submit' }, 'Answer'),
    decline,
  );
  list.append(form);
  return new Promise<string>((resolve, reject) => {
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      resolve(answer.value);
    });
    decline.addEventListener('click', () => reject(new NoAnswer('declined')));
    signal.addEventListener('abort', () => reject(new NoAnswer('too late')));
  }).finally(() => takeAway(form, list));
}

/** Who has just answered goes on at the next question, or stays near the place. */
function takeAway(form: HTMLElement, list: HTMLElement): void {
  const hadFocus = form.contains(document.activeElement);
  form.remove();
  if (hadFocus) (list.querySelector('input') ?? find('#questions-title')).focus();
}
