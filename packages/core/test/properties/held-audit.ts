import { type Gap, parseCursor, type WriteBatch, type WriteResult } from '@hexbus/core';
import type { Checks } from './checks.ts';
import type { Entry, Ledger } from './ledger.ts';
import { type Call, CallOrder, isTimedOut, type Listener, type LogEntry, mayBeTimedOut } from './listener.ts';
import { show, showGap } from './stream-audit.ts';

/** One delivery of one message, to all who were attached then. */
interface Round {
  readonly entry: Entry;
  readonly step: number;
  readonly calls: Map<Listener, Call>;
}

interface Topic {
  round: Round | undefined;
  /** The highest position whose handling was ever begun, by epoch. */
  readonly begun: Map<string, number>;
  /** Messages that one listener succeeded on, and when, in the present life of the program. */
  readonly successes: Map<number, number>;
  readonly gaps: { readonly epoch: string; readonly gap: Pick<Gap, 'from' | 'to'> }[];
  /** A reset to this epoch was told, and nothing after it yet: what is lost until then belongs to it. */
  resetTo: string | undefined;
}

/** Compares what the listeners of held topics were told with the ledger. It reads their logs as one, in order. */
export class HeldAudit {
  readonly #ledger: Ledger;
  readonly #checks: Checks;
  readonly #topics = new Map<string, Topic>();
  readonly #calls = new Map<Listener, CallOrder>();
  readonly #unsubscribed = new Set<Listener>();

  constructor(ledger: Ledger, checks: Checks) {
    this.#ledger = ledger;
    this.#checks = checks;
  }

  read(listener: Listener, entry: LogEntry): void {
    if (entry.kind === 'unsubscribed') this.#unsubscribed.add(listener);
    else if (entry.kind === 'end') this.#ended(listener, entry.call, entry.step);
    else {
      const left = this.#unsubscribed.has(listener);
      this.#checks.hold('P24', !left, () => `${listener.label} was told of a ${entry.kind} after it unsubscribed`);
      const topic = this.#topic(listener.options.filter[0]!);
      if (entry.kind === 'reset') topic.resetTo = parseCursor(entry.reset.to).epoch;
      else this.#endReset(topic);
      if (entry.kind === 'start') this.#started(listener, entry.call, entry.step);
      if (entry.kind === 'gap') this.#gap(listener, entry.gap);
    }
  }

  /** The program ended. What was in delivery may come again. */
  lifeEnded(): void {
    for (const topic of this.#topics.values()) {
      topic.round = undefined;
      topic.successes.clear();
    }
  }

  /** A write took effect that the ledger does not know of yet. */
  settling({ epoch, settle }: WriteBatch, { settled }: WriteResult): void {
    for (const [index, { outcome, topic: name, position }] of settle.entries()) {
      if (settled[index] !== true) continue;
      const entry = this.#ledger.find(epoch, position);
      if (entry === undefined || outcome === 'requeue' || outcome === 'discard') continue;
      const round = this.#topic(name).round;
      const calls = round?.entry.position === position ? [...round.calls] : [];
      this.#checks.hold(
        'P21',
        calls.length > 0,
        () => `${show(entry)} was settled as ${outcome}, and nobody is handling it`,
      );
      if (outcome === 'handled') this.#checkHandled(entry, calls);
      else this.#checkDead(entry, calls);
    }
  }

  settled({ settle }: WriteBatch, result: WriteResult): void {
    for (const [index, { outcome, topic, position }] of settle.entries()) {
      if (result.settled[index] !== true || outcome !== 'requeue') continue;
      this.#topic(topic).successes.delete(this.#ledger.find(result.epoch, position)?.serial ?? 0);
    }
  }

  /** Nothing is under way, and the history is healthy. */
  atRest(listeners: readonly Listener[]): void {
    for (const [name, topic] of this.#topics) {
      const attached = listeners.filter((listener) => listener.active && listener.options.filter[0] === name);
      if (attached.length === 0 || attached.some((listener) => listener.busy)) continue;
      this.#endReset(topic);
      const { epoch } = this.#ledger.head;
      for (const entry of this.#ledger.entries()) {
        if (entry.topic !== name) continue;
        const { label } = attached[0]!;
        this.#checks.hold('P21', entry.state !== 'live', () => `${show(entry)} waits, though ${label} is attached`);
        if (entry.state !== 'dropped') continue;
        const reported = topic.gaps.some(
          ({ epoch: of, gap }) => of === epoch && gap.from <= entry.position && entry.position <= gap.to,
        );
        this.#checks.hold('P19', reported, () => `${show(entry)} was dropped, and ${label} was not told`);
      }
    }
  }

  #endReset(topic: Topic): void {
    const { epoch, position } = this.#ledger.head;
    if (topic.resetTo === epoch) topic.gaps.push({ epoch, gap: { from: 1, to: position } });
    topic.resetTo = undefined;
  }

  /** Topics with a listener are known from then on. */
  attached(topic: string): void {
    this.#topic(topic);
  }

  #started(listener: Listener, call: Call, step: number): void {
    const topic = this.#topic(call.topic);
    const { epoch } = this.#ledger.head;
    const entry = this.#ledger.find(epoch, call.position);
    const overlapping = this.#callsOf(listener).start(call);
    this.#checks.hold(
      'P11',
      overlapping === undefined,
      () => `${listener.label} handles ${call.serial} while it still handles ${overlapping?.serial}`,
    );
    if (entry?.serial !== call.serial) {
      const known = this.#ledger.ofSerial(call.serial).length > 0;
      this.#checks.hold('P10', known, () => `${listener.label} was given ${call.serial}, which is in no history`);
      return;
    }
    const round = topic.round;
    if (round?.entry.serial === call.serial && (round.step === step || call.attempt > 1)) {
      this.#joined(listener, call, round);
      return;
    }
    this.#checks.hold('P12', call.attempt === 1, () => `${listener.label} tries ${show(entry)} again in no delivery`);
    this.#checkNewRound(listener, entry, topic, step);
    topic.round = { entry, step, calls: new Map([[listener, call]]) };
  }

  #joined(listener: Listener, call: Call, round: Round): void {
    const last = round.calls.get(listener);
    if (call.attempt > 1 || last !== undefined) {
      const again = last?.attempt === call.attempt - 1 && this.#callsOf(listener).hasFailed(last);
      this.#checks.hold(
        'P12',
        again,
        () => `${listener.label} tries ${show(round.entry)} again, which did not just fail`,
      );
    }
    round.calls.set(listener, call);
  }

  #checkNewRound(listener: Listener, entry: Entry, topic: Topic, step: number): void {
    const { label } = listener;
    const success = topic.successes.get(entry.serial) ?? Number.POSITIVE_INFINITY;
    this.#checks.hold(
      'P22',
      entry.state !== 'handled' && success >= step,
      () => `${label} was given ${show(entry)}, which was handled`,
    );
    const begun = topic.begun.get(entry.epoch) ?? 0;
    if (!entry.requeued) {
      this.#checks.hold(
        'P20',
        entry.position >= begun,
        () => `${label} was given ${show(entry)} after position ${begun} was begun`,
      );
    }
    topic.begun.set(entry.epoch, Math.max(begun, entry.position));
    const earlier = this.#ledger
      .between(entry.epoch, [entry.topic], 0, entry.position - 1)
      .find((other) => other.state === 'live' && !other.requeued);
    this.#checks.hold(
      'P12',
      earlier === undefined,
      () => `${label} was given ${show(entry)} while ${show(earlier!)} waits`,
    );
    const running = [...(topic.round?.calls ?? [])].find(
      ([other, call]) => call.state === 'running' && !isTimedOut(call) && other.alive,
    );
    this.#checks.hold(
      'P12',
      running === undefined,
      () => `${label} was given ${show(entry)} while ${running?.[0].label} handles ${running?.[1].serial}`,
    );
  }

  #checkHandled(entry: Entry, calls: readonly [Listener, Call][]): void {
    const succeeded = calls.some(([listener, call]) => this.#callsOf(listener).hasSucceeded(call));
    this.#checks.hold('P19', succeeded, () => `${show(entry)} is removed before anybody handled it`);
    for (const [listener, call] of calls) {
      const done = this.#callsOf(listener).hasSucceeded(call) || this.#unsubscribed.has(listener);
      this.#checks.hold('P19', done, () => `${show(entry)} is removed before ${listener.label} has handled it`);
    }
  }

  #checkDead(entry: Entry, calls: readonly [Listener, Call][]): void {
    const failed = calls.some(
      ([listener, call]) => call.attempt >= listener.options.maxTries && this.#callsOf(listener).hasFailed(call),
    );
    this.#checks.hold('P19', failed, () => `${show(entry)} is set aside, though nobody used up the tries`);
  }

  #ended(listener: Listener, call: Call, step: number): void {
    const calls = this.#callsOf(listener);
    calls.end(call);
    if (calls.hasSucceeded(call) && !mayBeTimedOut(call)) this.#topic(call.topic).successes.set(call.serial, step);
  }

  #gap(listener: Listener, gap: Gap): void {
    const name = listener.options.filter[0]!;
    const topic = this.#topic(name);
    // It may have been read before the history was wiped.
    const epochs = this.#ledger.epochs.filter((epoch) =>
      this.#ledger.between(epoch, [name], gap.from - 1, gap.to).some((entry) => entry.state === 'dropped'),
    );
    this.#checks.hold(
      'P4',
      epochs.length > 0,
      () => `${listener.label} was told of ${showGap(gap)}, but nothing was dropped there`,
    );
    for (const epoch of epochs) topic.gaps.push({ epoch, gap });
  }

  #callsOf(listener: Listener): CallOrder {
    let calls = this.#calls.get(listener);
    if (calls === undefined) {
      calls = new CallOrder();
      this.#calls.set(listener, calls);
    }
    return calls;
  }

  #topic(name: string): Topic {
    let topic = this.#topics.get(name);
    if (topic === undefined) {
      topic = { round: undefined, begun: new Map(), successes: new Map(), gaps: [], resetTo: undefined };
      this.#topics.set(name, topic);
    }
    return topic;
  }
}
