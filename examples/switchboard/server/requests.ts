import type { ConnectionInfo, Gateway, Outcome } from '@hexbus/core/gateway';
import {
  type AskOutcome,
  type Note,
  noteType,
  type OrderStep,
  orderStepType,
  type PostTarget,
  type Question,
  questionName,
  type Requests,
} from '../shared/messages.ts';
import { userOf } from '../shared/users.ts';
import { type Cables, cableOf } from './cables.ts';
import { choiceOf, fieldsOf, numberOf, textOf } from './checks.ts';
import type { People } from './people.ts';
import { maxPerSecond, type Pulse } from './pulse.ts';
import type { Reports } from './reports.ts';

export interface RequestParts {
  readonly gateway: Gateway;
  readonly cables: Cables;
  readonly people: People;
  readonly pulse: Pulse;
  readonly reports: Reports;
}

type Answers = {
  readonly [Name in keyof Requests]: (
    body: Readonly<Record<string, unknown>>,
    connection: ConnectionInfo,
  ) => Requests[Name]['answer'] | Promise<Requests[Name]['answer']>;
};

/** Answers what pages ask. A body that makes no sense throws, which the page sees as `remote-error`. */
export function answerRequests(parts: RequestParts): void {
  for (const [name, answer] of Object.entries(answersOf(parts)))
    parts.gateway.handle(name, (body, { connection }) => answer(fieldsOf(body), connection));
}

function answersOf({ gateway, cables, people, pulse, reports }: RequestParts): Answers {
  return {
    async post({ target, text }, connection) {
      const note: Note = { text: textOf(text) };
      const posted = await gateway.post(targetOf(target), noteType, note, { sender: nameOf(connection) });
      return { receivers: posted.receivers, position: posted.position ?? null };
    },

    async ask({ session, text, timeoutMs }, connection) {
      const question: Question = { from: nameOf(connection), text: textOf(text) };
      const begun = performance.now();
      const options = { timeoutMs: numberOf(timeoutMs, 1_000, 60_000) };
      const outcome = await gateway.request({ session: textOf(session) }, questionName, question, options);
      return { ...inWords(outcome), tookMs: Math.round(performance.now() - begun) };
    },

    async orderSteps({ count }, { session }) {
      const steps = numberOf(count, 1, 20);
      for (let step = 1; step <= steps; step++) {
        const body: OrderStep = { step };
        await gateway.post({ session }, orderStepType, body);
      }
      return { count: steps };
    },

    cut({ forMs }, { handshake }) {
      const timeMs = numberOf(forMs, 100, 60_000);
      const cable = cableOf(handshake);
      // After the answer, which goes over this cable too.
      if (cable !== undefined) setImmediate(() => cables.cut(cable, timeMs));
      return { forMs: timeMs };
    },

    async setPulse({ perSecond }) {
      await pulse.setRate(numberOf(perSecond, 0, maxPerSecond));
      return { perSecond: pulse.perSecond };
    },

    report({ pulse: number }, { session }) {
      reports.take(session, numberOf(number, 0, Number.MAX_SAFE_INTEGER));
      people.changed();
      return null;
    },
  };
}

function targetOf(value: unknown): PostTarget {
  const { all, user, session } = fieldsOf(value);
  if (all === true) return { all };
  return session === undefined
    ? { user: choiceOf(user, (id) => userOf(id) !== undefined) }
    : { session: textOf(session) };
}

function inWords(outcome: Outcome): Pick<AskOutcome, 'status' | 'text'> {
  if (outcome.status === 'success') return { status: 'success', text: String(outcome.body) };
  return { status: outcome.status, text: outcome.status === 'error' ? outcome.code : '' };
}

function nameOf({ identity }: ConnectionInfo): string {
  return userOf(identity.userId ?? null)?.name ?? 'somebody';
}
