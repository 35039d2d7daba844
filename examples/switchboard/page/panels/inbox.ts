import type { Message } from '@hexbus/core';
import { type Note, noteType } from '../../shared/messages.ts';
import { addToLog, find, make } from '../dom.ts';
import type { Tab } from '../tab.ts';
import { count, seconds } from '../words.ts';

/** What took longer was not on its way, but waited. */
const waitedMs = 1_000;

/** What was posted to this tab, its user or everyone, in the order in which it came. */
export function showInbox(tab: Tab): void {
  const inbox = find('#inbox');
  tab.on<Note>(noteType, (message) => addToLog(inbox, entryOf(message)));
}

function entryOf({ topic, body, sender = 'somebody', time, position }: Message<Note>): HTMLElement {
  const ageMs = Date.now() - time;
  const facts = [
    toWhom(topic),
    ...(position === undefined ? [] : [`position ${count(position)}`]),
    ...(ageMs > waitedMs ? [`waited ${seconds(ageMs)}`] : []),
  ];
  return make('li', {}, make('strong', {}, sender), ` ${body.text} `, make('small', {}, facts.join(' · ')));
}

function toWhom(topic: string): string {
  if (topic === '@all') return 'to everyone';
  return topic.startsWith('@user.') ? 'to you' : 'to this tab';
}
