import type { Patch } from '../properties/mutants/mutant.ts';

/** A wrong bridge: the right one with one thing changed. */
export interface BridgeMutant {
  readonly name: string;
  readonly patches: readonly Patch[];
  /** The checks of the world of which one must catch it. */
  readonly caughtBy: readonly string[];
}

export const bridgeMutants: readonly BridgeMutant[] = [
  {
    name: 'the source is told before the message is in the bus',
    patches: [
      {
        file: 'bridge/intake.ts',
        find: 'else await this.#publish(route, { body: answer.body, id, sender, headers });',
        replace: 'else void this.#publish(route, { body: answer.body, id, sender, headers }).catch(() => undefined);',
      },
    ],
    caughtBy: ['B1'],
  },
  {
    name: 'a publish that failed is told, but not to the source',
    patches: [{ file: 'bridge/intake.ts', find: '      throw error;\n', replace: '' }],
    caughtBy: ['B1'],
  },
  {
    name: 'the id of the message is left out',
    patches: [
      { file: 'bridge/intake.ts', find: '{ id, type, sender, headers }', replace: '{ type, sender, headers }' },
    ],
    caughtBy: ['B2', 'B3', 'B4'],
  },
  {
    name: 'the id of the message is the same in the bus, whatever its type',
    patches: [{ file: 'bridge/bus-id.ts', find: '? [topic, type] :', replace: '? [topic] :' }],
    caughtBy: ['B1', 'B3', 'B4'],
  },
  {
    name: 'the id of the message is the same in the bus, whatever its topic',
    patches: [{ file: 'bridge/bus-id.ts', find: '? [topic, type] :', replace: '? [type] :' }],
    caughtBy: ['B1', 'B3', 'B4'],
  },
  {
    name: 'the name of the message is left out',
    patches: [{ file: 'bridge/intake.ts', find: '{ id, type, sender, headers }', replace: '{ id, sender, headers }' }],
    caughtBy: ['B3'],
  },
  {
    name: 'what is saved is dropped while nobody listens',
    patches: [{ file: 'bridge/intake.ts', find: 'if (saveHistory === true || ', replace: 'if (' }],
    caughtBy: ['B1', 'B3'],
  },
  {
    name: 'each delivery is told, whether it settled the message or not',
    patches: [
      {
        file: 'bus/delivery/held-queue.ts',
        find: '    if (results.length === 0) {',
        replace: "    if (results.length === 0) {\n      observers.ended(message, { status: 'handled', results });",
      },
    ],
    caughtBy: ['B3'],
  },
  {
    name: 'the end is told when the handler has succeeded, not when that is in the history',
    patches: [
      {
        file: 'bus/delivery/held-queue.ts',
        find: "    if (await this.#write({ outcome: 'handled', topic, position })) {",
        replace:
          "    observers.ended(message, { status: 'handled', results });\n    if (await this.#write({ outcome: 'handled', topic, position })) {",
      },
      {
        file: 'bus/delivery/held-queue.ts',
        find: "results });\n      observers.ended(message, { status: 'handled', results });\n",
        replace: 'results });\n',
      },
    ],
    caughtBy: ['B3'],
  },
  {
    name: 'who died is not told',
    patches: [
      {
        file: 'bus/delivery/held-queue.ts',
        find: "        observers.ended(message, { status: 'dead', reason });\n",
        replace: '',
      },
    ],
    caughtBy: ['B3'],
  },
  {
    name: 'a closed bridge goes on listening to the bus',
    patches: [
      {
        file: 'bridge/message-bridge.ts',
        find: '    this.#bus[busInternals].endings.delete(this.#intake.ended);\n',
        replace: '',
      },
      { file: 'bridge/hooks.ts', find: '    if (this.#ended) return;\n', replace: '' },
    ],
    caughtBy: ['B6', 'B3'],
  },
  {
    name: 'close does not wait for listeners that were called directly',
    patches: [
      {
        file: 'bridge/message-bridge.ts',
        find: 'await endsInTime(clock, this.#intake.idle(), this.#settings.closeTimeoutMs);',
        replace: 'await undefined;',
      },
    ],
    caughtBy: ['B5', 'B3'],
  },
  {
    name: 'what nobody listens to is dropped in silence',
    patches: [
      {
        file: 'bridge/intake.ts',
        find: "return left ? { status: 'dropped', why: 'no-listener' } : { status: 'handled', results };",
        replace: "if (left) throw new Error('silent');\n  return { status: 'handled', results };",
      },
    ],
    caughtBy: ['B5'],
  },
];
