import type { NodeAnswer } from '@hexbus/core/gateway';
import fc from 'fast-check';
import { check, checkSame, show } from '../support/check.ts';
import { suiteDefaults } from '../support/defaults.ts';
import type { Rule } from '../support/rule.ts';
import { type Asked, a, type BrokerLab, type HandlerCall, nextTurn } from './lab.ts';

const nodes = ['n1', 'n2'] as const;
const node = fc.constantFrom(...nodes);

/** Half a second off what waits add up to: whether a timeout has come is never a matter of tolerance. */
const timeouts = [500, 1500, 4500, Infinity] as const;

const step = fc.oneof(
  { weight: 1, arbitrary: fc.record({ call: fc.constantFrom('open', 'close'), node }) },
  { weight: 5, arbitrary: fc.record({ call: fc.constant('ask'), node, timeoutMs: fc.constantFrom(...timeouts) }) },
  { weight: 5, arbitrary: fc.record({ call: fc.constantFrom('answer', 'reject'), index: fc.nat(8) }) },
  { weight: 3, arbitrary: fc.record({ call: fc.constant('wait'), ms: fc.constantFrom(1000, 2000) }) },
) as fc.Arbitrary<Step>;

type Node = (typeof nodes)[number];

type Step =
  | { readonly call: 'open' | 'close'; readonly node: Node }
  | { readonly call: 'ask'; readonly node: Node; readonly timeoutMs: number }
  | { readonly call: 'answer' | 'reject'; readonly index: number }
  | { readonly call: 'wait'; readonly ms: number };

/** A request, the call that it made if it made one, and how it must have ended. */
interface Request {
  readonly node: Node;
  readonly asked: Asked;
  readonly call: HandlerCall | undefined;
  readonly dueAt: number;
  expected: NodeAnswer | undefined;
}

class World {
  readonly #lab: BrokerLab;
  readonly #calls = new Map<Node, HandlerCall[]>();
  readonly #requests: Request[] = [];
  #now = 0;

  constructor(lab: BrokerLab) {
    this.#lab = lab;
  }

  async run(step: Step): Promise<void> {
    if (step.call === 'open') await this.#open(step.node);
    else if (step.call === 'close') await this.#close(step.node);
    else if (step.call === 'ask') await this.#ask(step.node, step.timeoutMs);
    else if (step.call === 'wait') await this.#wait(step.ms);
    else if (step.call === 'answer' || step.call === 'reject') this.#settle(step.index, step.call);
    await nextTurn();
    for (const [index, { asked, expected }] of this.#requests.entries()) {
      if (expected === undefined) checkSame(asked.end, undefined, `the end of request ${index}`);
      else await this.#lab.checkEnd(asked, expected, `request ${index}`);
    }
    const waiting = this.#requests.filter(({ expected, dueAt }) => expected === undefined && dueAt !== Infinity);
    const { pendingTimers = waiting.length } = this.#lab;
    check(pendingTimers === waiting.length, `${waiting.length} requests wait, with ${pendingTimers} timers`);
  }

  async #open(node: Node): Promise<void> {
    if (!this.#calls.has(node)) this.#calls.set(node, await this.#lab.openHeld(node));
  }

  async #close(node: Node): Promise<void> {
    this.#calls.delete(node);
    for (const request of this.#requests) if (request.node === node) request.expected ??= { status: 'disconnected' };
    await this.#lab.at(node).close(node);
  }

  async #ask(node: Node, timeoutMs: number): Promise<void> {
    const calls = this.#calls.get(node);
    const before = calls?.length ?? 0;
    const asked = this.#lab.ask(node, `${this.#requests.length}`, timeoutMs);
    if (calls !== undefined) await this.#lab.called(calls, before + 1);
    const expected: NodeAnswer | undefined = calls === undefined ? { status: 'not-found' } : undefined;
    this.#requests.push({ node, asked, call: calls?.at(-1), dueAt: this.#now + timeoutMs, expected });
  }

  #settle(index: number, how: 'answer' | 'reject'): void {
    const request = this.#requests[index];
    if (request?.call === undefined) return;
    if (how === 'answer') request.call.resolve(`[${index}]`);
    else request.call.reject(new Error('planted'));
    request.expected ??= how === 'answer' ? { status: 'answered', text: `[${index}]` } : { status: 'disconnected' };
  }

  async #wait(ms: number): Promise<void> {
    this.#now += ms;
    for (const request of this.#requests) {
      if (request.dueAt <= this.#now) request.expected ??= { status: 'timeout' };
    }
    await this.#lab.pass(ms);
  }
}

async function runSteps(lab: BrokerLab, steps: readonly Step[]): Promise<void> {
  const world = new World(lab);
  await lab.open(a);
  const opening = nodes.map((name) => ({ call: 'open', node: name }) as const);
  const closing = nodes.map((name) => ({ call: 'close', node: name }) as const);
  for (const step of [...opening, ...steps, ...closing]) {
    try {
      await world.run(step);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`after ${show(step)}: ${reason}`, { cause: error });
    }
  }
}

export const modelRules: readonly Rule<BrokerLab>[] = [
  {
    id: 'BR-16',
    sentence:
      'P29 to P32: whatever happens in whatever order, every request ends exactly once, as a plain model says, and leaves nothing.',
    async check(lab) {
      const { runs = suiteDefaults.runs, ...repeat } = lab.property;
      const property = fc.asyncProperty(fc.array(step, { maxLength: 30, size: 'max' }), async (steps) => {
        const inner = lab.another();
        try {
          await runSteps(inner, steps);
        } finally {
          await inner.end();
        }
      });
      await fc.assert(property, { numRuns: runs, includeErrorInReport: true, ...repeat });
    },
  },
];
