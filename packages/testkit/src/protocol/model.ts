import fc from 'fast-check';
import { checkSame } from '../support/check.ts';
import type { ClientWord } from './adapter.ts';
import { bareHello, type Dialogue, type ProtocolLab, type ProtocolRule } from './lab.ts';
import type { HostCall } from './recording-host.ts';
import { callOf } from './words.ts';

/** Something that the client says, or that the gateway answers. */
type Step =
  | { readonly say: ClientWord }
  | { readonly answer: number }
  | { readonly grant: number }
  | { readonly refuse: number };

const refusal = { ok: false, error: { code: 'forbidden', message: 'no', retryable: false } } as const;

/** What a protocol remembers of a client, in the plainest form. */
class Model {
  #state: 'new' | 'greeted' | 'broken' = 'new';
  readonly #open = new Map<number, 'request' | 'subscription'>();

  /** What the host should hear; of violated and ignored only that. */
  say(word: ClientWord): readonly unknown[] {
    if (this.#state === 'broken') return [];
    if ((this.#state === 'new') !== (word.kind === 'hello')) return this.#violate();
    this.#state = 'greeted';
    switch (word.kind) {
      case 'subscribe':
        return this.#begin(word.subscription.id, 'subscription', word);
      case 'ask':
        return word.id === undefined ? [callOf(word)] : this.#begin(word.id, 'request', word);
      case 'publish':
      case 'authenticate':
        return this.#begin(word.id, 'request', word);
      case 'unsubscribe':
        return this.#end(word.id, 'subscription', word);
      case 'cancel':
        return this.#end(word.id, 'request', word);
      default:
        return [callOf(word)];
    }
  }

  is(id: number, kind: 'request' | 'subscription'): boolean {
    return this.#open.get(id) === kind;
  }

  close(id: number): void {
    this.#open.delete(id);
  }

  #begin(id: number, kind: 'request' | 'subscription', word: ClientWord): readonly unknown[] {
    if (this.#open.has(id)) return this.#violate();
    this.#open.set(id, kind);
    return [callOf(word)];
  }

  #end(id: number, kind: 'request' | 'subscription', word: ClientWord): readonly unknown[] {
    if (!this.is(id, kind)) return ['ignored'];
    this.#open.delete(id);
    return [callOf(word)];
  }

  #violate(): readonly unknown[] {
    this.#state = 'broken';
    return ['violated'];
  }
}

const someId = fc.integer({ min: 1, max: 4 });

function stepsOf(lab: ProtocolLab): fc.Arbitrary<readonly Step[]> {
  const withId = someId.chain((id) =>
    fc.constantFrom<ClientWord>(
      { kind: 'subscribe', subscription: { id, topic: `t.${id}`, from: 'now' } },
      { kind: 'unsubscribe', id, topic: `t.${id}` },
      { kind: 'ask', name: 'load', body: id, id },
      { kind: 'publish', id, message: { topic: 'order.created', body: id } },
      { kind: 'authenticate', id, token: 'credential' },
      { kind: 'cancel', id },
      { kind: 'reply', id, reply: { ok: true, body: id } },
    ),
  );
  const plain = fc.constantFrom<ClientWord>(
    { kind: 'ask', name: 'seen', body: null },
    { kind: 'acknowledge', token: 'e1.41' },
    { kind: 'ping' },
  );
  const say = fc
    .oneof({ arbitrary: withId, weight: 12 }, { arbitrary: plain, weight: 3 }, fc.constant(bareHello))
    .filter((word) => lab.canSay(word))
    .map((word): Step => ({ say: word }));
  const step = fc.oneof(
    { arbitrary: say, weight: 3 },
    someId.map((answer): Step => ({ answer })),
    someId.map((grant): Step => ({ grant })),
    someId.map((refuse): Step => ({ refuse })),
  );
  const first = fc.oneof({ arbitrary: fc.constant<Step>({ say: bareHello }), weight: 20 }, say);
  return fc.tuple(first, fc.array(step, { maxLength: 30, size: 'max' })).map(([one, more]) => [one, ...more]);
}

function take(dialogue: Dialogue, model: Model, step: Step): void {
  const { session } = dialogue;
  if ('say' in step) {
    checkSame(dialogue.say(step.say).map(summary), model.say(step.say), `what the host hears of ${step.say.kind}`);
  } else if ('answer' in step) {
    if (!model.is(step.answer, 'request')) return;
    session.reply(step.answer, { ok: true, body: null });
    model.close(step.answer);
  } else if ('grant' in step) {
    if (model.is(step.grant, 'subscription')) session.subscribed(step.grant, {});
  } else if (model.is(step.refuse, 'subscription')) {
    session.reply(step.refuse, refusal);
    model.close(step.refuse);
  }
}

function summary(call: HostCall): unknown {
  return call[0] === 'violated' || call[0] === 'ignored' ? call[0] : call;
}

export const modelRules: readonly ProtocolRule[] = [
  {
    id: 'PR-26',
    sentence: 'Whatever is said and answered in whatever order, the host hears what a plain model of the port says.',
    needs: ['hello'],
    async check(lab) {
      const property = fc.property(stepsOf(lab), (steps) => {
        const dialogue = lab.open();
        const model = new Model();
        for (const step of steps) take(dialogue, model, step);
      });
      fc.assert(property, lab.runs as fc.Parameters<[readonly Step[]]>);
    },
  },
];
