import { durable, held, streams } from '../mixes.ts';
import type { Mutant } from './mutant.ts';

/** Designs that others have and that the semantics calls wrong. */
export const designs: readonly Mutant[] = [
  {
    name: 'the listener is registered after the replay',
    patches: [
      {
        file: 'log/feed.ts',
        find: 'this.#live = this.#reachesHead() && page.through >= page.position;',
        replace: 'this.#live = page.through >= page.position;',
      },
    ],
    caughtBy: ['P1', 'P3', 'P14', 'P16'],
    mix: streams,
  },
  {
    name: 'live messages are sent during the replay',
    patches: [
      {
        file: 'log/feed.ts',
        find: 'if (!this.#live) {\n      this.wake();',
        replace: 'if (!this.#live) {\n      this.#queue.push(message);\n      this.wake();',
      },
    ],
    caughtBy: ['P1', 'P2', 'P6'],
    mix: streams,
  },
  {
    name: 'live messages are buffered and merged without deduplication',
    patches: [
      {
        file: 'log/feed.ts',
        find: '#parked = false;\n  #ended',
        replace: '#parked = false;\n  readonly #buffer: RetainedMessage[] = [];\n  #ended',
      },
      {
        file: 'log/feed.ts',
        find: 'if (!this.#live) {\n      this.wake();',
        replace: 'if (!this.#live) {\n      this.#buffer.push(message);\n      this.wake();',
      },
      {
        file: 'log/feed.ts',
        find: 'this.#live = this.#reachesHead() && page.through >= page.position;',
        replace:
          'this.#live = this.#reachesHead() && page.through >= page.position;\n    if (this.#live) this.#queue.push(...this.#buffer.splice(0));',
      },
    ],
    caughtBy: ['P1', 'P2', 'P6'],
    mix: streams,
  },
  {
    name: 'the cursor is moved before the handler has succeeded',
    patches: [
      {
        file: 'delivery/pump.ts',
        find: 'this.#delivering = true;\n',
        replace:
          'this.#handled = { epoch: feed.epoch, position: message.position };\n    void this.#options.durable?.moved(this.#handled);\n',
      },
    ],
    caughtBy: ['P14', 'P17'],
    mix: durable,
  },
  {
    name: 'handlers are not awaited',
    patches: [
      { file: 'delivery/pump.ts', find: 'if (settling !== undefined) await settling;', replace: 'void settling;' },
    ],
    caughtBy: ['P11', 'P12', 'P24'],
    mix: streams,
  },
  {
    name: 'trimming is not told',
    patches: [
      {
        file: 'log/feed.ts',
        find: 'return topics.length === 0 ? undefined : { topics, from, to };',
        replace: 'return topics.length === 0 || from > to - to ? undefined : { topics, from, to };',
      },
    ],
    caughtBy: ['P4', 'P5', 'P14'],
    mix: streams,
  },
  {
    name: 'the epoch is ignored: another history is read on without a reset',
    patches: [{ file: 'log/feed.ts', find: "this.#queue.push({ kind: 'reset'", replace: "void ({ kind: 'reset'" }],
    caughtBy: ['P1', 'P6', 'P10', 'P14', 'P15'],
    mix: streams,
  },
  {
    name: 'what waits is cleared as a whole once it was published',
    patches: [
      {
        file: 'delivery/held-queue.ts',
        find: "observers.tell('handled', { ...referenceOf(message), results });",
        replace: `observers.tell('handled', { ...referenceOf(message), results });
      for (let next = position + 1; next <= this.#side.tail.head; next++) {
        await this.#write({ outcome: 'handled', topic, position: next });
      }`,
      },
    ],
    caughtBy: ['P19', 'P21'],
    mix: held,
  },
  {
    name: 'a held message is removed before it is handled',
    patches: [
      {
        file: 'delivery/held-queue.ts',
        find: 'this.#delivering = true;',
        replace:
          "this.#delivering = true;\n    await this.#write({ outcome: 'handled', topic: this.#topic, position: message.position });",
      },
    ],
    caughtBy: ['P19', 'P21', 'P22'],
    mix: held,
  },
  {
    name: 'a live message passes the backlog by',
    patches: [
      {
        file: 'delivery/held-queue.ts',
        find: '    this.#feed?.push(message);\n',
        replace:
          '    if (this.#listeners.size > 0) for (const listener of this.#listeners) void this.#run(listener, message);\n    this.#feed?.push(message);\n',
      },
    ],
    caughtBy: ['P11', 'P12', 'P20', 'P22'],
    mix: held,
  },
  {
    name: 'a second listener gets what was handled again',
    patches: [
      {
        file: 'delivery/held-queue.ts',
        find: '  #delivering = false;\n',
        replace: '  #delivering = false;\n  readonly #seen: RetainedMessage[] = [];\n',
      },
      {
        file: 'delivery/held-queue.ts',
        find: '    this.#listeners.add(listener);\n',
        replace:
          '    this.#listeners.add(listener);\n    for (const message of this.#seen) void this.#run(listener, message);\n',
      },
      {
        file: 'delivery/held-queue.ts',
        find: 'this.#delivering = true;',
        replace: 'this.#delivering = true;\n    this.#seen.push(message);',
      },
    ],
    caughtBy: ['P11', 'P12', 'P20', 'P22'],
    mix: held,
  },
];
