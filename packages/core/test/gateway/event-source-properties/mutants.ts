import type { PropertyId } from '../../properties/checks.ts';
import type { Patch } from '../../properties/mutants/mutant.ts';

/** A wrong protocol or gateway for clients that only listen. */
export interface EventSourceMutant {
  readonly name: string;
  readonly patches: readonly Patch[];
  /** The properties of which one must catch it. */
  readonly caughtBy: readonly PropertyId[];
}

const protocol = 'protocol/event-source.ts';
const sender = 'gateway/stream/event-sender.ts';

export const eventSourceMutants: readonly EventSourceMutant[] = [
  {
    name: 'ids are given before all topics were answered',
    patches: [
      {
        file: protocol,
        find: 'return this.#unanswered.size === 0 ? frame : { text: frame.text };',
        replace: 'return frame;',
      },
      {
        file: protocol,
        find: 'return this.#unanswered.size === 0 ? this.#token : undefined;',
        replace: 'return this.#token;',
      },
    ],
    caughtBy: ['P1', 'P3', 'P13', 'P14'],
  },
  {
    name: 'the id of a message for all comes before it',
    patches: [
      {
        file: sender,
        find: 'outbox.add(protocol.event(message, cursors.of(message, this.#epoch)));',
        replace: `outbox.add(protocol.ping(cursors.of(message, this.#epoch)));
    outbox.add(protocol.event(message, cursors.of(message, this.#epoch)));`,
      },
    ],
    caughtBy: ['P1', 'P14'],
  },
  {
    name: 'the id of a message for some topics comes before it',
    patches: [
      {
        file: sender,
        find: 'outbox.add(protocol.eventFor(message, subs, token, cursors.of(message, this.#epoch)));',
        replace: `outbox.add(protocol.ping(token));
    outbox.add(protocol.eventFor(message, subs, token, cursors.of(message, this.#epoch)));`,
      },
    ],
    caughtBy: ['P1', 'P14'],
  },
  {
    name: 'the id of a message for some topics is its cursor',
    patches: [{ file: protocol, find: 'cursor: this.#idAt(token) };', replace: 'cursor: this.#idAt(cursor) };' }],
    caughtBy: ['P1', 'P14'],
  },
  {
    name: 'the id of a message for some topics is that of the message before it',
    patches: [
      {
        file: protocol,
        find: 'cursor: this.#idAt(token) };',
        replace: 'cursor: [this.#idAt(undefined), this.#idAt(token)][0] };',
      },
    ],
    caughtBy: ['P14'],
  },
  {
    name: 'WELCOME takes the place of the id that was brought back',
    patches: [
      {
        file: protocol,
        find: 'this.#comesBack ? undefined : (this.#idAt(welcome.token) ?? noPlaceYet)',
        replace: 'this.#idAt(welcome.token) ?? noPlaceYet',
      },
    ],
    caughtBy: ['P14'],
  },
  {
    name: 'a topic that may be had later counts as answered',
    patches: [
      {
        file: protocol,
        find: 'if (reply.ok || !reply.error.retryable) this.#unanswered.delete(id);',
        replace: 'this.#unanswered.delete(id);',
      },
    ],
    caughtBy: ['P1', 'P3', 'P13', 'P14'],
  },
  {
    name: 'the last id is not read',
    patches: [
      {
        file: 'protocol/event-source-query.ts',
        find: 'return idForm.test(id) ? id : undefined;',
        replace: 'return undefined;',
      },
    ],
    caughtBy: ['P1', 'P14'],
  },
  {
    name: 'every topic goes on at the main position',
    patches: [
      {
        file: 'gateway/stream/client-subscriptions.ts',
        find: 'position: positionIn(token, id) }',
        replace: 'position: token.position }',
      },
    ],
    caughtBy: ['P1', 'P14'],
  },
  {
    name: 'the inbox of a new session begins at the head',
    patches: [
      { file: 'gateway/connection/greeting.ts', find: 'return later(start, known) ?? start;', replace: 'return now;' },
    ],
    caughtBy: ['P1', 'P3', 'P14'],
  },
  {
    name: 'the inbox of a client that keeps no session begins at its user alone',
    patches: [
      {
        file: 'gateway/connection/greeting.ts',
        find: 'return later(start, known) ?? start;',
        replace: 'return start;',
      },
    ],
    caughtBy: ['P14'],
  },
  {
    name: 'an id acknowledges for whoever brings it',
    patches: [
      {
        file: 'gateway/connection/greeting.ts',
        find: 'if (userAddress === undefined) return place;',
        replace: 'if (place !== undefined) return place;',
      },
    ],
    caughtBy: ['P1', 'P3', 'P14'],
  },
  {
    name: 'what was sent to a user is forgotten when her connection ends',
    patches: [
      {
        file: 'gateway/stream/sent-inboxes.ts',
        find: 'this.#note(address, later(this.#ended.get(address), sent()));',
        replace: '',
      },
    ],
    caughtBy: ['P14'],
  },
  {
    name: 'what was sent to a user is not known before her connection ends',
    patches: [{ file: 'gateway/stream/sent-inboxes.ts', find: 'sent = later(sent, live());', replace: 'void live;' }],
    caughtBy: ['P14'],
  },
  {
    name: 'a ticket is used once and for all',
    patches: [{ file: 'gateway/sessions/tickets.ts', find: 'if (!isInTime && !isBack)', replace: 'if (!isInTime)' }],
    caughtBy: ['P3'],
  },
];
