import type { Message } from '@hexbus/core';
import { type Note, noteType } from '../../shared/messages.ts';
import { addToLog, find, make } from '../dom.ts';
import type { Tab } from '../tab.ts';
import { count, waited } from '../words.ts';

/** What was posted to this tab, its user or everyone, in the order in which it came. */
export function showInbox(tab: Tab): void {
  const inbox = find('#inbox');
  tab.on<Note>(noteType, (message) => addToLog(inbox, entryOf(message)));
}

function entryOf({ topic, body, sender = 'somebody', time, position }: Message<Note>): HTMLElement {
  const place = position === undefined ? [] : [`position ${count(position)}`];
  const facts = [toWhom(topic), ...place, waited(time) ?? []].flat();
  return make('li', {}, make('strong', {}, sender), ` ${body.text} `, make('small', {}, facts.join(' · ')));
}

function toWhom(topic: string): string {
  if (topic === '@all') return 'to everyone';
  return topic.startsWith('@user.') ? 'to you' : 'to this tab';
}
