import { type CursorParts, type Gap, matchesPattern, type NamedCursor, type Reset } from '@hexbus/core';
import type { Checks, PropertyId } from './checks.ts';
import type { Entry, Ledger } from './ledger.ts';
import { type Call, CallOrder, type Listener, type LogEntry, mayBeTimedOut } from './listener.ts';

/** What a listener has done with the messages of one epoch. */
class Account {
  readonly epoch: string;
  /** It was to receive what comes after this. */
  readonly start: number;
  /** What had gone by this step is no loss to it. */
  readonly knownUntil: number;
  /** Until something follows a reset, losses belong to the reset. */
  isFresh: boolean;
  excusedUntil: number;
  through: number;
  readonly started: number[] = [];
  readonly startedSet = new Set<number>();
  readonly settled = new Set<number>();
  readonly gaps: Gap[] = [];
  /** What they told of for certain: a gap of several topics is as wide as the widest of them. */
  readonly told = new Set<number>();
  /** Passed over without a signal so far. */
  readonly holes: Entry[] = [];
  cursor: number;
  committed: number;

  constructor(start: CursorParts, bounds: Pick<Account, 'knownUntil' | 'excusedUntil'>, isFresh: boolean) {
    this.epoch = start.epoch;
    this.start = start.position;
    this.knownUntil = bounds.knownUntil;
    this.isFresh = isFresh;
    this.excusedUntil = bounds.excusedUntil;
    this.through = start.position;
    this.cursor = start.position;
    this.committed = start.position;
  }

  settles(entry: Entry): boolean {
    if (this.settled.has(entry.position) || this.isReported(entry)) return true;
    return this.isFresh ? entry.goneAt < Number.POSITIVE_INFINITY : entry.goneAt <= this.excusedUntil;
  }

  isReported(entry: Entry): boolean {
    return this.gaps.some((gap) => covers(gap, entry));
  }
}

/** At most this many handled messages may be repeated by a crash: one batch of commits. */
const maxUncommitted = 64;

/** Compares what one listener of streams was told with the ledger. It reads the listener's log in order, at the end of the step that wrote it. */
export class StreamAudit {
  readonly #listener: Listener;
  readonly #ledger: Ledger;
  readonly #checks: Checks;
  readonly #accounts = new Map<string, Account>();
  readonly #calls = new CallOrder();
  #account: Account | undefined;
  #last: Call | undefined;
  #unsubscribed = false;
  #succeededUpTo = 0;

  constructor(listener: Listener, ledger: Ledger, checks: Checks) {
    this.#listener = listener;
    this.#ledger = ledger;
    this.#checks = checks;
  }

  /** The start was resolved. What had gone by `knownUntil` lies before a relative start; what had gone by `excusedUntil` may. */
  began(start: CursorParts, bounds: Pick<Account, 'knownUntil' | 'excusedUntil'>): void {
    this.#enter(new Account(start, bounds, false));
  }

  read(entry: LogEntry): void {
    const { label } = this.#listener;
    if (entry.kind === 'unsubscribed') this.#unsubscribes();
    if (entry.kind === 'end') this.#ended(entry.call);
    if (entry.kind === 'unsubscribed' || entry.kind === 'end') return;
    this.#checks.hold('P24', !this.#unsubscribed, () => `${label} was told of a ${entry.kind} after it unsubscribed`);
    const account = this.#account;
    this.#checks.hold('P13', account !== undefined, () => `${label} was told of a ${entry.kind} before it had a start`);
    if (account === undefined) return;
    if (entry.kind === 'reset') this.#reset(account, entry.reset);
    else if (entry.kind === 'gap') this.#gap(account, entry.gap, entry.step);
    else this.#started(account, entry.call, entry.step);
    if (entry.kind !== 'reset' && account.isFresh) {
      account.isFresh = false;
      account.excusedUntil = entry.step;
    }
  }

  /** The subscription's own cursor, after a step. */
  checkCursor(cursor: CursorParts): void {
    this.#noteTimeout();
    const account = this.#accounts.get(cursor.epoch);
    const { label } = this.#listener;
    this.#checks.hold('P14', account === this.#account, () => `the cursor of ${label} is in an epoch it is not in`);
    if (account === undefined) return;
    this.#checkPassed('P14', account, account.cursor, cursor.position);
    account.cursor = Math.max(account.cursor, cursor.position);
  }

  /** A cursor of its name was stored. */
  checkCommitted(cursor: NamedCursor): void {
    this.#noteTimeout();
    const account = this.#accounts.get(cursor.epoch);
    if (account === undefined) return;
    const { name, position } = cursor;
    const handled = position === account.start || account.startedSet.has(position);
    this.#checks.hold('P17', handled, () => `${name} is stored at ${position}, which was not handled: idle progress`);
    this.#checkPassed('P17', account, account.committed, position);
    account.committed = Math.max(account.committed, position);
  }

  /** What it settled in an epoch is stored when it has ended. */
  checkEnded(stored: NamedCursor | undefined): void {
    const account = this.#account;
    if (account === undefined || stored?.epoch !== account.epoch) return;
    const last = this.#succeededUpTo;
    this.#checks.hold(
      'P18',
      stored.position >= last,
      () => `${this.#listener.label} ended after position ${last}, but its name is stored at ${stored.position}`,
    );
  }

  /** Nothing is under way, and the history is healthy. */
  atRest(knownEpoch: string): void {
    const account = this.#account;
    const { label, options, origin, subscription } = this.#listener;
    if (!this.#listener.active || this.#listener.busy || account === undefined) return;
    const { epoch, position: head } = this.#ledger.head;
    const id = origin.resumes ? 'P14' : origin.from === 'token' && account.start === 0 ? 'P16' : 'P3';
    if (account.epoch !== epoch) {
      const missed = this.#ledger.between(epoch, options.filter, 0, head);
      this.#checks.hold(id, missed.length === 0 || knownEpoch !== epoch, () => `${label} did not notice the new epoch`);
      return;
    }
    for (const entry of this.#ledger.between(epoch, options.filter, account.start, head)) {
      if (account.settles(entry)) continue;
      const gone = entry.goneAt < Number.POSITIVE_INFINITY;
      this.#checks.hold(gone ? 'P4' : id, false, () =>
        gone ? `${label} was not told that ${show(entry)} is lost` : `${label} never handled ${show(entry)}`,
      );
    }
    this.#checks.hold(id, true, () => '');
    this.#checks.hold(
      'P3',
      subscription?.lag === 0 || knownEpoch !== epoch,
      () => `${label} is at rest at ${subscription?.cursor} with lag ${subscription?.lag}, the head is ${head}`,
    );
    this.#checkHoles(account);
  }

  /** The run is over: what was passed over without a word stays so. */
  finish(): void {
    for (const account of this.#accounts.values()) this.#checkHoles(account);
  }

  /** The messages of each epoch in the order in which it handled them. */
  orders(): ReadonlyMap<string, readonly number[]> {
    return new Map([...this.#accounts].map(([epoch, account]) => [epoch, account.started]));
  }

  /** Whether everything of its filter that had a position by `position` is settled for it. */
  hasSettled(epoch: string, position: number): boolean {
    this.#noteTimeout();
    const account = this.#account;
    if (account?.epoch !== epoch) return true;
    return this.#ledger
      .between(epoch, this.#listener.options.filter, account.start, position)
      .every((entry) => account.settles(entry) || entry.goneAt < Number.POSITIVE_INFINITY);
  }

  wasReset(): boolean {
    return this.#accounts.size > 1 || this.#account?.isFresh === true || this.#listener.log.some(isReset);
  }

  #started(account: Account, call: Call, step: number): void {
    const { label, options } = this.#listener;
    const { position, serial, attempt } = call;
    const last = this.#last;
    this.#last = call;
    const overlaps = this.#calls.start(call);
    this.#checks.hold(
      'P11',
      overlaps === undefined,
      () => `${label} handles ${serial} while it still handles ${overlaps?.serial}`,
    );
    if (attempt > 1) {
      const again = last?.serial === serial && last.attempt === attempt - 1 && this.#calls.hasFailed(last);
      this.#checks.hold('P12', again, () => `${label} tries ${serial} again, which did not just fail`);
      return;
    }
    const settled = last === undefined || this.#isSettled(last);
    this.#checks.hold('P12', settled, () => `${label} was given ${serial} before ${last?.serial} was settled`);
    this.#checks.hold('P2', !account.startedSet.has(position), () => `${label} handles position ${position} again`);
    this.#checks.hold(
      'P1',
      position > account.through,
      () => `${label} handles position ${position} after ${account.through}`,
    );
    this.#checkIdentity(account, call);
    if (options.name !== undefined) this.#checkUncommitted(account, options.name);
    const denied = account.gaps.find((gap) => isOnlyOf(gap, call.topic) && gap.from <= position && position <= gap.to);
    this.#checks.hold('P4', denied === undefined, () => `${label} was given ${serial} of ${showGap(denied!)}`);
    for (const entry of this.#ledger.between(account.epoch, options.filter, account.through, position - 1)) {
      this.#checks.hold('P1', entry.goneAt < step, () => `${label} passed over ${show(entry)}, which is there`);
      if (!account.settles(entry)) account.holes.push(entry);
    }
    account.through = Math.max(account.through, position);
    account.started.push(position);
    account.startedSet.add(position);
  }

  #checkIdentity(account: Account, { serial, position, topic }: Call): void {
    const { label, options } = this.#listener;
    const matches = this.#ledger.matcher(options.filter).matches(topic);
    this.#checks.hold('P1', matches, () => `${label} was given a message of ${topic}`);
    const elsewhere = this.#ledger.ofSerial(serial);
    this.#checks.hold(
      'P10',
      elsewhere.length > 0,
      () => `${label} was given message ${serial}, which is in no history`,
    );
    const found = this.#ledger.find(account.epoch, position);
    this.#checks.hold(
      'P6',
      found?.serial === serial || elsewhere.length === 0,
      () => `${label} was given ${serial} of ${elsewhere.map(show).join(' and ')} while its epoch is ${account.epoch}`,
    );
  }

  #checkUncommitted(account: Account, name: string): void {
    const stored = this.#ledger.cursors.get(name);
    const committed = stored?.epoch === account.epoch ? stored.position : account.start;
    let uncommitted = 0;
    for (let index = account.started.length - 1; index >= 0 && account.started[index]! > committed; index--)
      uncommitted += 1;
    this.#checks.hold(
      'P18',
      uncommitted < maxUncommitted,
      () => `${this.#listener.label} handles one more after ${uncommitted} that a crash would repeat`,
    );
  }

  #unsubscribes(): void {
    // What used up its time before that was settled by it.
    this.#noteTimeout();
    this.#unsubscribed = true;
  }

  /** A call that took too long has no end of its own. */
  #noteTimeout(): void {
    if (this.#last !== undefined) this.#isSettled(this.#last);
  }

  #ended(call: Call): void {
    this.#calls.end(call);
    if (!this.#calls.hasSucceeded(call)) this.#isSettled(call);
    else {
      this.#account?.settled.add(call.position);
      if (!mayBeTimedOut(call)) this.#succeededUpTo = call.position;
    }
  }

  #isSettled(call: Call): boolean {
    if (this.#calls.hasSucceeded(call)) return true;
    const { maxTries, onFailure } = this.#listener.options;
    const settled = this.#calls.hasFailed(call) && call.attempt >= maxTries && onFailure === 'skip';
    // What fails after the subscription ended is not settled: the next one tries it again.
    if (settled && !this.#unsubscribed) this.#account?.settled.add(call.position);
    return settled;
  }

  #gap(account: Account, gap: Gap, step: number): void {
    const { label, options } = this.#listener;
    const { topics, from, to } = gap;
    this.#checks.hold(
      'P4',
      topics.length > 0 && from <= to,
      () => `${label} was told of the empty gap ${showGap(gap)}`,
    );
    for (const topic of topics) {
      const lost = this.#ledger
        .between(account.epoch, [topic], Math.max(from - 1, account.start), to)
        .filter(
          (entry) =>
            this.#ledger.matcher(options.filter).matches(entry.topic) &&
            entry.goneAt <= step &&
            entry.goneAt > account.knownUntil &&
            !account.startedSet.has(entry.position) &&
            !account.told.has(entry.position),
        );
      if (topics.length === 1) for (const entry of lost) account.told.add(entry.position);
      this.#checks.hold(
        'P4',
        lost.length > 0,
        () => `${label} was told of ${showGap(gap)}, but nothing new of ${topic} was lost`,
      );
    }
    const late = account.holes.find((entry) => covers(gap, entry));
    this.#checks.hold(
      'P5',
      late === undefined,
      () => `${label} was told of ${showGap(gap)} after position ${account.through}, behind the hole`,
    );
    account.gaps.push(gap);
  }

  #reset(account: Account, reset: Reset): void {
    const { label, origin } = this.#listener;
    const [from, to] = [reset.from, reset.to].map(parts) as [CursorParts, CursorParts];
    this.#checks.hold(
      'P6',
      from.epoch === account.epoch,
      () => `${label} was reset from ${reset.from}, where it was not`,
    );
    const above = to.epoch === from.epoch && account.started.length === 0 && origin.from === 'token';
    this.#checks.hold(
      'P6',
      to.epoch !== from.epoch || above,
      () => `${label} was reset from ${reset.from} to ${reset.to} in vain`,
    );
    this.#checkHoles(account);
    this.#last = undefined;
    this.#succeededUpTo = 0;
    this.#enter(new Account(to, { knownUntil: -1, excusedUntil: -1 }, true));
  }

  #enter(account: Account): void {
    this.#account = account;
    this.#accounts.set(account.epoch, account);
  }

  #checkPassed(id: PropertyId, account: Account, after: number, through: number): void {
    if (through <= after) return;
    const { label, options } = this.#listener;
    const open = this.#ledger
      .between(account.epoch, options.filter, after, through)
      .find((entry) => !account.settles(entry));
    this.#checks.hold(id, open === undefined, () => `a cursor of ${label} at ${through} passes ${show(open!)} by`);
  }

  #checkHoles(account: Account): void {
    const hole = account.holes[0];
    this.#checks.hold(
      'P4',
      hole === undefined,
      () => `${this.#listener.label} was not told that ${show(hole!)} is lost`,
    );
    this.#checks.hold('P5', true, () => '');
  }
}

function isReset(entry: LogEntry): boolean {
  return entry.kind === 'reset';
}

function covers({ topics, from, to }: Gap, { topic, position }: Entry): boolean {
  return from <= position && position <= to && topics.some((each) => each === topic || matchesPattern(each, topic));
}

/** A gap of one topic means all of it; one of several topics is as wide as the widest of them. */
function isOnlyOf({ topics }: Gap, topic: string): boolean {
  return topics.length === 1 && topics[0] === topic;
}

function parts(cursor: string): CursorParts {
  const dot = cursor.lastIndexOf('.');
  return { epoch: cursor.slice(0, dot), position: Number(cursor.slice(dot + 1)) };
}

export function show({ serial, topic, epoch, position, state }: Entry): string {
  return `message ${serial} (${topic}, ${epoch.slice(0, 6)}.${position}, ${state})`;
}

export function showGap({ topics, from, to }: Gap): string {
  return `gap ${topics.join(' ')} ${from} to ${to}`;
}
