import type { PropertyId } from '../../properties/checks.ts';
import type { Patch } from '../../properties/mutants/mutant.ts';
import type { Mix } from './commands.ts';
import { connection, paged } from './mixes.ts';
import type { ClientMistakes } from './reference-client.ts';

/** A wrong merged stream, or a wrong client of one. */
export interface StreamMutant {
  readonly name: string;
  readonly patches?: readonly Patch[];
  readonly mistakes?: ClientMistakes;
  /** The properties of which one must catch it. */
  readonly caughtBy: readonly PropertyId[];
  /** What finds it soonest; the properties are the same for all. */
  readonly mix: Mix;
}

const stream = 'gateway/stream/merged-stream.ts';
const filter = 'gateway/stream/stream-filter.ts';

export const streamMutants: readonly StreamMutant[] = [
  {
    name: 'rule 12: the client drops repeats by one position for the connection',
    mistakes: { oneHighWater: true },
    caughtBy: ['P1', 'P3', 'P14', 'P28'],
    mix: connection,
  },
  {
    name: 'rule 13: what the client hands back is a position, not a token',
    mistakes: { keepsPosition: true },
    caughtBy: ['P1', 'P2', 'P4', 'P14', 'P15'],
    mix: connection,
  },
  {
    name: 'rule 14: a token is taken to cover every subscription',
    mistakes: { coversAll: true },
    caughtBy: ['P1', 'P4', 'P13', 'P14', 'P15'],
    mix: connection,
  },
  {
    name: 'rule 14: a filter added while a page of the main stream is read is not pinned to the position before it',
    patches: [
      {
        file: stream,
        find: 'if (!filter.unsure) this.#place(filter);\n    this.#replaceMain();\n  }\n\n  remove',
        replace: `if (!filter.unsure) this.#place(filter);
    if (this.#served === 0) this.#replaceMain();
    this.#noteSettled();
    this.#loop.wake();
  }

  remove`,
      },
      {
        file: stream,
        find: 'this.#settleAhead(main.position);\n',
        replace: `this.#settleAhead(main.position);
    if ([...this.#filters.values()].filter((one) => one.isFedByMain).length > this.#served) {
      this.#replaceMain();
      return true;
    }
`,
      },
    ],
    caughtBy: ['P1', 'P3', 'P14', 'P28'],
    mix: connection,
  },
  {
    name: 'a filter that is behind is settled after its first page',
    patches: [
      {
        file: stream,
        find: 'if (feed.peek() === undefined && feed.position < this.#here.position) return !feed.idle;',
        replace: '',
      },
    ],
    caughtBy: ['P1', 'P3', 'P14', 'P28'],
    mix: paged,
  },
  {
    name: 'what there was no room for is not read again',
    patches: [
      {
        file: stream,
        find: 'main.release();',
        replace: 'while (main.peek() !== undefined) main.take();',
      },
    ],
    caughtBy: ['P1', 'P14', 'P28'],
    mix: connection,
  },
  {
    name: 'what there was no room for is not read again for a filter that is behind',
    patches: [
      {
        file: stream,
        find: 'feed.release();',
        replace: 'while (feed.peek() !== undefined) feed.take();',
      },
    ],
    caughtBy: ['P1', 'P14', 'P28'],
    mix: connection,
  },
  {
    name: 'a filter that is ahead is given what lies before its start',
    patches: [
      {
        file: filter,
        find: 'this.matcher.matches(topic) && position > this.#passed(topic)',
        replace: 'this.matcher.matches(topic) && position > 0',
      },
    ],
    caughtBy: ['P4', 'P13'],
    mix: connection,
  },
  {
    name: 'nobody is told that the stream goes over to another epoch',
    patches: [
      {
        file: stream,
        find: 'if (subs.length > 0) this.#sink.reset(',
        replace: 'if (subs.length < 0) this.#sink.reset(',
      },
    ],
    caughtBy: ['P6', 'P14', 'P15'],
    mix: connection,
  },
  {
    name: 'a subscription that starts over is not told',
    patches: [{ file: stream, find: 'this.#sink.reset(this.token, [filter.id]);', replace: '' }],
    caughtBy: ['P6', 'P15'],
    mix: connection,
  },
  {
    name: 'a message is handed over live while those before it are being read',
    patches: [
      {
        file: 'bus/log/feed.ts',
        find: 'if (!this.#live) {\n      this.wake();\n      return;\n    }\n    // A store page',
        replace:
          'if (!this.#live && this.#options.taker === undefined) {\n      this.wake();\n      return;\n    }\n    // A store page',
      },
    ],
    caughtBy: ['P1', 'P2', 'P14'],
    mix: connection,
  },
  {
    name: 'a gap is told to all that are settled',
    patches: [{ file: stream, find: 'if (filter.touches(gap.topics)) settled.push', replace: 'settled.push' }],
    caughtBy: ['P4'],
    mix: connection,
  },
  {
    name: 'a gap is told to nobody who is ahead',
    patches: [{ file: stream, find: '} else if (filter.isFedByMain) {', replace: '} else if (filter.unsure) {' }],
    caughtBy: ['P4', 'P14'],
    mix: paged,
  },
  {
    name: 'what the others were told of losses beyond is not told to who meets them',
    patches: [
      {
        file: stream,
        find: 'const untold = filter.losses(known.filter(({ through }) => through > position));',
        replace: 'const untold = filter.losses(known.filter(({ through }) => through < 0));',
      },
    ],
    caughtBy: ['P4', 'P14'],
    mix: paged,
  },
  {
    name: 'own positions are missing in the token',
    patches: [{ file: filter, find: 'if (at !== undefined) own.push', replace: 'if (at === -1) own.push' }],
    caughtBy: ['P14'],
    mix: connection,
  },
  {
    name: 'a start that the bus does not know is believed',
    patches: [
      {
        file: stream,
        find: 'filter.unsure = !this.#isKnown(start);',
        replace: 'filter.unsure = start.epoch !== this.#epoch;',
      },
    ],
    caughtBy: ['P15'],
    mix: connection,
  },
  {
    name: 'a start of another epoch stands in the token as if it were of this one',
    patches: [
      {
        file: filter,
        find: '? this.start.position : voidPosition',
        replace: '? this.start.position : this.start.position',
      },
    ],
    caughtBy: ['P14', 'P15'],
    mix: connection,
  },
  {
    name: 'live messages do not wait for room',
    patches: [
      {
        file: stream,
        find: 'if (!this.#sink.hasRoom) return false;\n    this.#give(message);',
        replace: 'this.#give(message);',
      },
    ],
    caughtBy: ['P27'],
    mix: connection,
  },
  {
    name: 'a page is read though there is no room',
    patches: [
      {
        file: stream,
        find: 'if (this.#served === 0 || !this.#sink.hasRoom) return false;',
        replace: 'if (this.#served === 0) return false;',
      },
    ],
    caughtBy: ['P27'],
    mix: connection,
  },
  {
    name: 'an outbox always has room',
    patches: [
      {
        file: 'gateway/connection/outbox.ts',
        find: 'return !this.#full && !this.#ended;',
        replace: 'return !this.#ended;',
      },
    ],
    caughtBy: ['P27'],
    mix: connection,
  },
];
