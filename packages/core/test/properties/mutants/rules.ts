import { durable, held, paged, streams } from '../mixes.ts';
import type { Mutant } from './mutant.ts';

/** The rules of the semantics, each switched off. */
export const rules: readonly Mutant[] = [
  {
    name: 'rule 1: now is the head of the store, asked for later',
    patches: [
      {
        file: 'delivery/start.ts',
        find: "if (query === 'now') return now;",
        replace: `if (query === 'now') {
          const { epoch, position } = await history.locate({ epoch: now.epoch, filter, from: { last: 0 } });
          return { epoch, position };
        }`,
      },
    ],
    caughtBy: ['P13'],
    mix: streams,
  },
  {
    name: 'rule 2: the head before a batch is not looked at',
    patches: [
      { file: 'log/distributor.ts', find: 'if (result.before !== tail.head)', replace: 'if (result.before < 0)' },
    ],
    caughtBy: ['P1', 'P3', 'P4', 'P5', 'P14'],
    mix: streams,
  },
  {
    name: 'rule 2: an unknown outcome wakes nobody',
    patches: [
      { file: 'log/distributor.ts', find: 'this.#side.tail.doubt();\n    this.#side.doubtAll();', replace: '' },
    ],
    caughtBy: ['P3', 'P4', 'P14', 'P16'],
    mix: streams,
  },
  {
    name: 'rule 3: a settlement of an old epoch is made in the new one',
    patches: [
      {
        file: 'delivery/held-queue.ts',
        find: 'writer.settle(settlement, epoch)',
        replace: 'writer.settle(settlement, this.#side.tail.epoch)',
      },
    ],
    caughtBy: ['P19', 'P21', 'P22'],
    mix: { ...held, weights: { publish: 20, attach: 6, wipe: 3, advance: 1 }, held: ['job'], streams: ['b'] },
  },
  {
    name: 'rule 3: a stored cursor is taken for one of the present epoch',
    patches: [
      {
        file: 'delivery/start.ts',
        find: 'const { epoch, position } = stored;',
        replace: 'const { position } = stored;\n    const { epoch } = now;',
      },
    ],
    caughtBy: ['P6', 'P15', 'P17', 'P18'],
    mix: { ...durable, weights: { publish: 10, subscribe: 10, wipe: 2, crash: 3, reopen: 2, advance: 3 } },
  },
  {
    name: 'rule 4: the tail serves a feed of another epoch',
    patches: [
      { file: 'log/tail.ts', find: 'epoch === this.#epoch && after >=', replace: 'after >=' },
      {
        file: 'log/feed.ts',
        find: 'tail.epoch === this.#epoch && this.#through >= tail.head',
        replace: 'this.#through >= tail.head',
      },
    ],
    caughtBy: ['P1', 'P3', 'P4', 'P6', 'P10', 'P14', 'P15'],
    mix: streams,
  },
  {
    name: 'rule 5: what a page has brought already is taken again',
    patches: [
      {
        file: 'log/feed.ts',
        find: 'message.position <= this.#through || this.#isReported',
        replace: 'this.#isReported',
      },
    ],
    caughtBy: ['P1', 'P2'],
    mix: streams,
  },
  {
    name: 'rule 6: a subscription ahead of the bus polls',
    patches: [
      {
        file: 'log/feed.ts',
        find: 'nothingNew && wakesBefore === this.#wakes) this.#parked = true',
        replace: 'nothingNew) this.wake()',
      },
    ],
    caughtBy: ['livelock'],
    mix: streams,
  },
  {
    name: 'rule 6: it sleeps though a wake came while it read',
    patches: [{ file: 'log/feed.ts', find: 'nothingNew && wakesBefore === this.#wakes', replace: 'nothingNew' }],
    caughtBy: ['P3', 'P4', 'P14', 'P16'],
    mix: streams,
  },
  {
    name: 'rule 7: what a page reports as trimmed is not noted, neither in the tail nor for what it serves',
    patches: [
      { file: 'log/feed.ts', find: 'tail.noteTrimmed(tail.epoch === read.epoch ? read.trimmed : []);', replace: '' },
      {
        file: 'log/feed.ts',
        find: 'position <= (this.#known?.get(topic) ?? 0)',
        replace: 'position < 0',
      },
    ],
    caughtBy: ['P4'],
    mix: paged,
  },
  {
    name: 'rule 8: what was reported as lost is not remembered',
    patches: [
      {
        file: 'log/feed.ts',
        find: 'this.setKnown({ topic, through });\n      if (this.#afterReset',
        replace: 'if (this.#afterReset',
      },
    ],
    caughtBy: ['P4'],
    mix: paged,
  },
  {
    name: 'rule 9: what was trimmed before a relative start is reported',
    patches: [
      {
        file: 'delivery/start.ts',
        find: 'position: located.start, known: located.trimmed',
        replace: 'position: located.start',
      },
    ],
    caughtBy: ['P4'],
    mix: streams,
  },
  {
    name: 'rule 9: a held topic starts as if nothing before it could be lost',
    patches: [
      {
        file: 'delivery/held-queue.ts',
        find: 'known: this.#toldIn(tail.epoch)',
        replace: 'known: [{ topic, through: tail.head }]',
      },
    ],
    caughtBy: ['P19'],
    mix: held,
  },
  {
    name: 'rule 10: a name is ready before its start is stored',
    patches: [
      {
        file: 'delivery/start.ts',
        find: 'await durable.commit(start);\n  return start;',
        replace: 'void durable.commit(start);\n  return start;',
      },
    ],
    caughtBy: ['P17'],
    mix: durable,
  },
  {
    name: 'rule 11: a read that is under way signals after unsubscribe',
    patches: [
      { file: 'delivery/pump.ts', find: 'while (!this.#ended) {', replace: 'for (;;) {' },
      { file: 'delivery/pump.ts', find: '    else this.#feed.end();\n', replace: '' },
    ],
    caughtBy: ['P11', 'P12', 'P24'],
    mix: streams,
  },
];
