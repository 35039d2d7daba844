import type { Outcome } from '@hexbus/core/gateway';
import { createVirtualClock } from '@hexbus/testkit';
import fc from 'fast-check';
import type { PendingRequests } from '../../../src/gateway/requests/pending-requests.ts';

export type PendingRequestsClass = typeof PendingRequests;

type Step =
  | {
      readonly step: 'ask';
      readonly connection: number;
      readonly timeoutMs: number;
      readonly signal: boolean;
      /** What happens while the request is sent. */
      readonly sending: 'taken' | 'refused' | 'answered' | 'aborted' | 'disconnected';
    }
  | { readonly step: 'reply'; readonly connection: number; readonly id: number; readonly reply: keyof typeof replies }
  | { readonly step: 'abort'; readonly index: number }
  | { readonly step: 'wait'; readonly ms: number }
  | { readonly step: 'disconnect'; readonly connection: number }
  | { readonly step: 'reconnect'; readonly connection: number };

const replies = {
  result: { ok: true, body: { a: 1 } },
  failed: { ok: false, error: { code: 'remote-error', message: 'm', retryable: false } },
} as const;

const maxPending = 3;
const connections = [0, 1] as const;
const connection = fc.constantFrom(...connections);

export const stepsOfPending: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        step: fc.constant('ask' as const),
        connection,
        timeoutMs: fc.constantFrom(0, 5, 10, 25, Infinity),
        signal: fc.boolean(),
        sending: fc.constantFrom('taken', 'taken', 'taken', 'taken', 'refused', 'answered', 'aborted', 'disconnected'),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        step: fc.constant('reply' as const),
        connection,
        id: fc.integer({ min: 0, max: 8 }),
        reply: fc.constantFrom('result', 'failed'),
      }),
    },
    { weight: 2, arbitrary: fc.record({ step: fc.constant('abort' as const), index: fc.nat(8) }) },
    { weight: 3, arbitrary: fc.record({ step: fc.constant('wait' as const), ms: fc.constantFrom(1, 4, 5, 11) }) },
    { weight: 1, arbitrary: fc.record({ step: fc.constant('disconnect' as const), connection }) },
    { weight: 1, arbitrary: fc.record({ step: fc.constant('reconnect' as const), connection }) },
  ),
  { maxLength: 30, size: 'max' },
) as fc.Arbitrary<Step[]>;

/** A request as it was made, with the one end that it must have as soon as that is certain. */
interface Asked {
  readonly link: Link;
  readonly id: number | undefined;
  readonly due: number;
  readonly controller: CountingController | undefined;
  expected: string | undefined;
  readonly ends: string[];
}

/** One incarnation of a connection. */
interface Link {
  readonly requests: PendingRequests;
  readonly ids: number[];
  readonly cancelled: number[];
  readonly expectedCancels: number[];
  up: boolean;
}

/** A controller that knows how many listeners its signal has. */
class CountingController extends AbortController {
  listeners = 0;

  constructor() {
    super();
    const { signal } = this;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...parts: Parameters<typeof add>) => {
      this.listeners += 1;
      add(...parts);
    };
    signal.removeEventListener = (...parts: Parameters<typeof remove>) => {
      this.listeners -= 1;
      remove(...parts);
    };
  }
}

/** A violated property begins the message. */
function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

/** Runs steps on two connections beside a plain model of what must become of each request, and compares after each of them. */
export async function runPending(Requests: PendingRequestsClass, steps: readonly Step[]): Promise<void> {
  const clock = createVirtualClock();
  const asked: Asked[] = [];
  const links = connections.map(connect);

  function connect(): Link {
    const cancelled: number[] = [];
    const requests = new Requests({ clock, maxPending, cancel: (id) => void cancelled.push(id) });
    return { requests, ids: [], cancelled, expectedCancels: [], up: true };
  }

  const waitingOn = (link: Link): Asked[] => asked.filter((one) => one.link === link && one.expected === undefined);

  function end(one: Asked, expected: string): void {
    one.expected ??= expected;
  }

  function disconnect(link: Link): void {
    link.up = false;
    for (const one of waitingOn(link)) end(one, 'disconnected');
    link.requests.disconnect();
  }

  function abort({ link, id, controller, expected }: Asked): void {
    if (controller === undefined || controller.signal.aborted) return;
    if (expected === undefined && id !== undefined) link.expectedCancels.push(id);
    controller.abort();
  }

  function ask({ timeoutMs, signal, sending, connection }: Extract<Step, { step: 'ask' }>): void {
    const link = links[connection]!;
    const controller = signal || sending === 'aborted' ? new CountingController() : undefined;
    const refusal = !link.up ? 'disconnected' : waitingOn(link).length >= maxPending ? 'overloaded' : undefined;
    const ends: string[] = [];
    const due = clock.now() + timeoutMs;
    let one: Asked = { link, id: undefined, due, controller, expected: refusal, ends };
    const promise = link.requests.ask(
      (id) => {
        check(refusal === undefined, `P29 a request was sent that should end as ${refusal}`);
        check(id > (link.ids.at(-1) ?? 0), `P29 id ${id} follows ${link.ids.at(-1)}`);
        link.ids.push(id);
        one = { ...one, id };
        asked.push(one);
        if (sending === 'refused') end(one, 'disconnected');
        if (sending === 'answered') {
          end(one, 'result');
          check(link.requests.settle(id, replies.result), 'P29 an answer while it was sent was not taken');
        }
        if (sending === 'aborted') {
          abort(one);
          end(one, 'cancelled');
        }
        if (sending === 'disconnected') disconnect(link);
        return sending !== 'refused';
      },
      { timeoutMs, signal: controller?.signal },
    );
    promise.then(
      (outcome) => ends.push(nameOf(outcome)),
      (error: unknown) => ends.push(String(error)),
    );
    if (one.id === undefined) asked.push(one);
    check(refusal !== undefined || one.id !== undefined, 'P29 a request was not sent');
  }

  function reply(link: Link, id: number, name: keyof typeof replies): void {
    const one = waitingOn(link).find((candidate) => candidate.id === id);
    if (one !== undefined) end(one, name);
    const settled = link.requests.settle(id, replies[name]);
    check(settled === (one !== undefined), `P30 settle of ${id} said ${settled}`);
  }

  async function wait(ms: number): Promise<void> {
    for (const one of asked) if (one.due <= clock.now() + ms) end(one, 'timeout');
    await clock.advance(ms);
  }

  for (const step of [...steps, ...connections.map((connection) => ({ step: 'disconnect', connection }) as const)]) {
    if (step.step === 'ask') ask(step);
    else if (step.step === 'reply') reply(links[step.connection]!, step.id, step.reply);
    else if (step.step === 'wait') await wait(step.ms);
    else if (step.step === 'disconnect') disconnect(links[step.connection]!);
    else if (step.step === 'reconnect') {
      disconnect(links[step.connection]!);
      links[step.connection] = connect();
    } else if (asked[step.index] !== undefined) {
      const one = asked[step.index]!;
      abort(one);
      if (one.controller !== undefined) end(one, 'cancelled');
    }
    await clock.runAll();
    compare();
  }

  function compare(): void {
    for (const { expected, ends, id, controller, link } of asked) {
      const rule = expected === 'disconnected' ? 'P32' : expected === undefined ? 'P31' : 'P29';
      check(
        ends.join() === (expected ?? ''),
        `${rule} request ${id} should have ended as [${expected ?? ''}], but did as [${ends}]`,
      );
      const listeners = expected === undefined && controller !== undefined ? 1 : 0;
      check((controller?.listeners ?? 0) === listeners, `P30 request ${id} has ${controller?.listeners} listeners`);
      check(link.cancelled.join() === link.expectedCancels.join(), `P29 cancels [${link.cancelled}] were told`);
    }
    const waiting = asked.filter(({ expected }) => expected === undefined);
    const sizes = [...new Set(asked.map(({ link }) => link))].map(({ requests }) => requests.size);
    const size = sizes.reduce((sum, one) => sum + one, 0);
    check(size === waiting.length, `P30 ${size} entries for ${waiting.length} requests`);
    const timed = waiting.filter(({ due }) => due !== Infinity).length;
    check(clock.pendingTimers === timed, `P30 ${clock.pendingTimers} timers for ${timed} requests`);
  }
}

function nameOf(outcome: Outcome): string {
  if (outcome.status === 'success') return 'result';
  if (outcome.status === 'timeout') return 'timeout';
  return outcome.code === 'remote-error' ? 'failed' : outcome.code;
}
