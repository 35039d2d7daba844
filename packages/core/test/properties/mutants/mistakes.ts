import { durable, held, paged, streams } from '../mixes.ts';
import type { Mutant } from './mutant.ts';

/** Mistakes that are easily made, some of which these properties have found in earlier versions of the bus. */
export const mistakes: readonly Mutant[] = [
  {
    name: 'the results of a batch are shifted by one',
    patches: [
      {
        file: 'log/writer.ts',
        find: 'result.epoch, result.appended[index]',
        replace: 'result.epoch, result.appended[(index + 1) % appends.length]',
      },
    ],
    caughtBy: ['P9', 'P26'],
    mix: streams,
  },
  {
    name: 'a receipt is given before the write',
    patches: [
      {
        file: 'log/writer.ts',
        find: 'result = await this.#side.history.write(batch);',
        replace: `for (const [index, pending] of appends.entries()) pending.resolve(receiptOf(pending.message, batch.epoch, index + 1, false));
      result = await this.#side.history.write(batch);`,
      },
    ],
    caughtBy: ['P9'],
    mix: streams,
  },
  {
    name: 'idle progress is stored',
    patches: [
      {
        file: 'delivery/pump.ts',
        find: '    if (this.#wasBehind) {',
        replace: '    void this.#options.durable?.moved(this.cursor ?? this.#now);\n    if (this.#wasBehind) {',
      },
    ],
    caughtBy: ['P17', 'livelock'],
    mix: durable,
  },
  {
    name: 'a pump handles any number of messages without a commit',
    patches: [
      { file: 'log/named-cursors.ts', find: '< maxUncommitted ? undefined', replace: '< Infinity ? undefined' },
    ],
    caughtBy: ['P18'],
    mix: { ...durable, weights: { publish: 10, subscribe: 10, 'await caught up': 1 } },
  },
  {
    name: 'a name is given back before its last cursor is stored',
    patches: [{ file: 'delivery/pump.ts', find: 'await durable?.committed();', replace: '' }],
    caughtBy: ['P17', 'P18'],
    mix: durable,
  },
  {
    name: 'a cursor is dropped when its write met another epoch',
    patches: [
      {
        file: 'log/writer.ts',
        find: 'commit.settled(result.applied);',
        replace: 'commit.settled(true);',
      },
    ],
    caughtBy: ['P17', 'P18'],
    mix: { ...durable, weights: { publish: 6, subscribe: 10, wipe: 3, crash: 1, advance: 3 } },
  },
  {
    name: 'one try is enough',
    patches: [{ file: 'delivery/handler-runner.ts', find: 'attempt >= handling.maxTries', replace: 'attempt >= 1' }],
    caughtBy: ['P12', 'P14', 'P17'],
    mix: streams,
  },
  {
    name: 'a held message is set aside after the first failure',
    patches: [{ file: 'delivery/handler-runner.ts', find: 'attempt >= handling.maxTries', replace: 'attempt >= 1' }],
    caughtBy: ['P19'],
    mix: held,
  },
  {
    name: 'a dead message is removed',
    patches: [
      {
        file: 'delivery/held-queue.ts',
        find: "{ outcome: 'dead', topic, position, reason }",
        replace: "{ outcome: 'handled', topic, position }",
      },
    ],
    caughtBy: ['P19'],
    mix: held,
  },
  {
    name: 'a settlement that failed is not made again',
    patches: [
      {
        file: 'delivery/held-queue.ts',
        find: 'if (this.#loop.stopped) return false;',
        replace: 'if (!uncertain) return false;\n        if (this.#loop.stopped) return false;',
      },
    ],
    caughtBy: ['P3', 'P12', 'P20', 'P21', 'P22'],
    mix: held,
  },
  {
    name: 'no id is deduplicated',
    patches: [
      { file: 'publishing/encode.ts', find: 'deduplicate: options.id !== undefined', replace: 'deduplicate: false' },
    ],
    caughtBy: ['P26'],
    mix: durable,
  },
  {
    name: 'what was rejected is written with the next batch',
    patches: [
      {
        file: 'log/writer.ts',
        find: 'this.#rejectAll(appends, error);',
        replace: 'this.#rejectAll(appends, error);\n    this.#queue.push(...appends);',
      },
    ],
    caughtBy: ['P8', 'P10', 'livelock'],
    mix: streams,
  },
  {
    name: 'a batch is written in the opposite order',
    patches: [
      {
        file: 'log/writer.ts',
        find: 'return this.#queue.splice(0, count);',
        replace: 'return this.#queue.splice(0, count).reverse();',
      },
    ],
    caughtBy: ['P8'],
    mix: streams,
  },
  {
    name: 'a gap is told after the page',
    patches: [
      {
        file: 'log/feed.ts',
        find: "    if (gap !== undefined) this.#queue.push({ kind: 'gap', gap });\n",
        replace: '',
      },
      {
        file: 'log/feed.ts',
        find: 'for (const message of page.messages) this.#queue.push(message);',
        replace:
          "for (const message of page.messages) this.#queue.push(message);\n    if (gap !== undefined) this.#queue.push({ kind: 'gap', gap });",
      },
    ],
    caughtBy: ['P4', 'P5', 'P14'],
    mix: streams,
  },
  {
    name: 'a subscription begun while the head is in doubt counts as live',
    patches: [
      {
        file: 'log/feed.ts',
        find: 'this.#reachesHead() && options.tail.knows(this.#epoch, this.#through);',
        replace: 'this.#reachesHead() && this.#through === options.tail.head;',
      },
    ],
    caughtBy: ['P3', 'P4', 'P14', 'P16'],
    mix: streams,
  },
  {
    name: 'a page from before a doubt makes a subscription live',
    patches: [
      {
        file: 'log/feed.ts',
        find: 'if (doubtsBefore !== this.#doubts) this.#live = false;',
        replace: 'void doubtsBefore;',
      },
    ],
    caughtBy: ['P3', 'P4', 'P14', 'P16'],
    mix: { ...streams, weights: { publish: 20, subscribe: 10, resume: 3, fault: 8 } },
  },
  {
    name: 'a start above the head is believed',
    patches: [
      {
        file: 'log/feed.ts',
        find: 'if (read.epoch !== this.#epoch || after > read.position) {',
        replace: 'if (read.epoch !== this.#epoch) {',
      },
    ],
    caughtBy: ['P3', 'P15'],
    mix: streams,
  },
  {
    name: 'a message is delivered though it was reported as lost',
    patches: [
      {
        file: 'log/feed.ts',
        find: 'if (message.position <= this.#through || this.#isReported(message)) return;',
        replace: 'if (message.position <= this.#through) return;',
      },
    ],
    caughtBy: ['P4'],
    mix: {
      ...paged,
      maxPage: 1,
      weights: { publish: 20, subscribe: 12, crash: 3 },
      streams: ['a.x', 'b'],
      filters: [['>']],
    },
  },
  {
    name: 'done does not wait for a call that unsubscribes itself',
    patches: [{ file: 'delivery/held-queue.ts', find: '    await undefined;\n', replace: '' }],
    caughtBy: ['P24'],
    mix: held,
  },
  {
    name: 'caughtUp does not wait for publishes',
    patches: [{ file: 'delivery/subscription.ts', find: 'await this.#side?.writer.flush();', replace: '' }],
    caughtBy: ['P3'],
    mix: streams,
  },
  {
    name: 'a held queue that was woken while it retired retires its successor too',
    patches: [{ file: 'delivery/held-queue.ts', find: '    void this.#loop.stop();\n', replace: '' }],
    caughtBy: ['P3', 'P12', 'P21', 'P22'],
    mix: { ...held, held: ['job'], weights: { publish: 12, attach: 12, unsubscribe: 12 } },
  },
  {
    name: 'a write settles the durable names that are in use by then',
    patches: [
      {
        file: 'log/named-cursors.ts',
        find: `for (const durable of taken) {
      // It was released meanwhile, and its name may be in use again.
      if (this.#inUse.get(durable.name) !== durable) continue;`,
        replace: `for (const { name } of taken) {
      const durable = this.#inUse.get(name);
      if (durable === undefined) continue;`,
      },
      // What it then throws would end the process, and with it the test.
      { file: 'log/writer.ts', find: 'void this.#writeNext();', replace: 'this.#writeNext().catch(() => undefined);' },
    ],
    caughtBy: ['P3', 'P10', 'P24'],
    mix: { ...durable, weights: { publish: 8, subscribe: 12, unsubscribe: 10, fault: 5 } },
  },
  {
    name: 'a publish that was taken back is written nevertheless',
    patches: [{ file: 'log/writer.ts', find: '      this.#queue.splice(index, 1);\n', replace: '' }],
    caughtBy: ['P10'],
    mix: streams,
  },
  {
    name: 'a page read back begins before the cursor that it tells',
    patches: [{ file: 'log/reading.ts', find: 'backwards ? [through - 1,', replace: 'backwards ? [through - 2,' }],
    caughtBy: ['read'],
    mix: { ...streams, weights: { publish: 12, read: 8 } },
  },
];
