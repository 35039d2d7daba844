import { type CursorParts, type Gap, matchesPattern } from '@hexbus/core';
import { patternsOverlap } from '../../../src/pattern.ts';
import type { Checks, PropertyId } from '../../properties/checks.ts';
import type { Entry, Ledger } from '../../properties/ledger.ts';
import { show, showGap } from '../../properties/stream-audit.ts';
import { isNowhere } from './nowhere.ts';

/** What had gone by `knownUntil` lies before a relative start; what had gone by `excusedUntil` may. */
export interface Bounds {
  readonly knownUntil: number;
  readonly excusedUntil: number;
}

export const noBounds: Bounds = { knownUntil: -1, excusedUntil: -1 };

/** What a subscription was given of one epoch. */
class Account {
  readonly epoch: string;
  readonly start: number;
  knownUntil: number;
  excusedUntil: number;
  /** Until something follows a reset, losses belong to the reset. */
  isFresh: boolean;
  through: number;
  /** Up to where tokens have said that all was given. */
  claimed: number;
  readonly given = new Set<number>();
  readonly gaps: Gap[] = [];
  readonly told = new Set<number>();
  /** Passed over without a signal so far. */
  readonly holes: Entry[] = [];

  constructor({ epoch, position }: CursorParts, { knownUntil, excusedUntil }: Bounds, isFresh: boolean) {
    this.epoch = epoch;
    this.start = position;
    this.through = position;
    this.claimed = position;
    this.knownUntil = knownUntil;
    this.excusedUntil = excusedUntil;
    this.isFresh = isFresh;
  }

  settles(entry: Entry): boolean {
    if (this.given.has(entry.position) || this.gaps.some((gap) => covers(gap, entry))) return true;
    return this.isFresh ? entry.goneAt < Number.POSITIVE_INFINITY : entry.goneAt <= this.excusedUntil;
  }
}

/** Compares what one subscription of the client was given with the ledger, over all connections, as if it had never been interrupted. */
export class SubscriptionAudit {
  readonly #label: string;
  readonly #filter: readonly string[];
  readonly #ledger: Ledger;
  readonly #checks: Checks;
  #account: Account | undefined;
  /** It goes on from a token of this connection that no history can know. */
  #mustReset = false;
  /** Its connection goes on from where it may be reset once more, or with all the others. */
  #mayReset = false;
  #wasResumed = false;

  constructor(label: string, filter: readonly string[], ledger: Ledger, checks: Checks) {
    this.#label = label;
    this.#filter = filter;
    this.#ledger = ledger;
    this.#checks = checks;
  }

  connected(mayReset: boolean): void {
    this.#mayReset = mayReset;
  }

  began(start: CursorParts, bounds: Bounds): void {
    this.#account = new Account(start, bounds, false);
  }

  /** On another connection. `mustReset`: from where nothing can come but a reset. */
  resumed(mustReset: boolean): void {
    this.#mustReset = mustReset;
    this.#wasResumed = true;
    const account = this.#account;
    if (account === undefined) return;
    // A cursor stands for no knowledge of what was lost.
    account.knownUntil = -1;
    account.told.clear();
  }

  /** Its start is of no history of the run. */
  startsNowhere(): void {
    this.#mustReset = true;
  }

  message(serial: number, position: number, epoch: string, step: number): void {
    const account = this.#account;
    const label = this.#label;
    this.#checks.hold('P13', account !== undefined, () => `${label} is given ${serial} before it has a start`);
    if (account === undefined) return;
    this.#checks.hold('P15', !this.#mustReset, () => `${label} is given ${serial} after a position that is none`);
    this.#checkIdentity(account, serial, position, epoch);
    const repeated = account.given.has(position);
    this.#checks.hold('P2', !repeated, () => `${label} is given position ${position} again`);
    this.#checks.hold('P1', position > account.through, () => `${label} is given ${position} after ${account.through}`);
    for (const entry of this.#ledger.between(account.epoch, this.#filter, account.through, position - 1)) {
      this.#checks.hold('P1', entry.goneAt <= step, () => `${label} passed over ${show(entry)}, which is there`);
      if (!account.settles(entry)) account.holes.push(entry);
    }
    const { topic } = this.#ledger.find(account.epoch, position) ?? { topic: '' };
    const denied = account.gaps.find((gap) => isOnlyOf(gap, topic) && gap.from <= position && position <= gap.to);
    this.#checks.hold('P4', denied === undefined, () => `${label} is given ${serial} of ${showGap(denied!)}`);
    account.through = Math.max(account.through, position);
    account.given.add(position);
    this.#followed(account, step);
  }

  gap(gap: Gap, step: number): void {
    const account = this.#account;
    const label = this.#label;
    this.#checks.hold('P13', account !== undefined, () => `${label} is told of a gap before it has a start`);
    if (account === undefined) return;
    const { topics, from, to } = gap;
    const touched = topics.filter((topic) => this.#filter.some((entry) => patternsOverlap(topic, entry)));
    this.#checks.hold('P4', touched.length > 0 && from <= to, () => `${label} is told of ${showGap(gap)}, not its own`);
    for (const topic of touched) {
      const lost = this.#ledger
        .between(account.epoch, this.#filter, Math.max(from - 1, account.start), to)
        .filter((entry) => entry.topic === topic && entry.goneAt <= step && entry.goneAt > account.knownUntil)
        // Whoever goes on from an older token may be told again of what it has.
        .filter(({ position }) => this.#wasResumed || !(account.given.has(position) || account.told.has(position)));
      if (topics.length === 1) for (const { position } of lost) account.told.add(position);
      this.#checks.hold(
        'P4',
        lost.length > 0,
        () => `${label} is told of ${showGap(gap)}, but nothing new of ${topic} was lost`,
      );
    }
    const late = account.holes.find((entry) => covers(gap, entry));
    this.#checks.hold('P5', late === undefined, () => `${label} is told of ${showGap(gap)} behind the hole`);
    account.gaps.push(gap);
    this.#followed(account, step);
  }

  reset(to: CursorParts): void {
    const account = this.#account;
    if (account === undefined) return;
    const moved = to.epoch !== account.epoch || this.#mustReset || this.#mayReset;
    this.#checks.hold('P6', moved, () => `${this.#label} is reset within ${account.epoch} in vain`);
    this.#checkHoles(account);
    this.#mustReset = false;
    this.#account = new Account(to, noBounds, true);
  }

  /** A token says that all up to here was given. */
  claimed(at: CursorParts, token: string): void {
    const account = this.#account;
    const { epoch, position } = at;
    if (account?.epoch !== epoch || this.#mustReset || isNowhere(at)) return;
    const open = this.#ledger
      .between(epoch, this.#filter, account.claimed, position)
      .find((entry) => !account.settles(entry));
    this.#checks.hold('P14', open === undefined, () => `${token} claims that ${this.#label} has ${show(open!)}`);
    account.claimed = Math.max(account.claimed, position);
  }

  /** Nothing is under way. `id`: what is broken if something was not given. `knownEpoch`: the one that the history told the bus of last. */
  atRest(id: PropertyId, knownEpoch: string | undefined): void {
    const account = this.#account;
    const label = this.#label;
    this.#checks.hold('P3', account !== undefined, () => `${label} never got a start`);
    if (account === undefined) return;
    this.#checks.hold(
      'P15',
      !this.#mustReset,
      () => `${label} goes on from a position that is none, and is told nothing`,
    );
    const { epoch, position: head } = this.#ledger.head;
    if (account.epoch !== epoch) {
      const missed = this.#ledger.between(epoch, this.#filter, 0, head);
      this.#checks.hold(id, missed.length === 0 || knownEpoch !== epoch, () => `${label} did not notice the new epoch`);
      return;
    }
    for (const entry of this.#ledger.between(epoch, this.#filter, account.start, head)) {
      if (account.settles(entry)) continue;
      const gone = entry.goneAt < Number.POSITIVE_INFINITY;
      this.#checks.hold(gone ? 'P4' : id, false, () =>
        gone ? `${label} was not told that ${show(entry)} is lost` : `${label} never got ${show(entry)}`,
      );
    }
    this.#checks.hold(id, true, () => '');
    this.#checkHoles(account);
  }

  /** What it was given of the present epoch, in order. */
  order(): readonly string[] {
    const account = this.#account;
    return account === undefined ? [] : [...account.given].map((position) => `${account.epoch}.${position}`);
  }

  #checkIdentity(account: Account, serial: number, position: number, epoch: string): void {
    const label = this.#label;
    this.#checks.hold(
      'P6',
      epoch === account.epoch,
      () => `${label} is given ${serial} of another epoch without a reset`,
    );
    const found = this.#ledger.find(account.epoch, position);
    this.#checks.hold('P6', found?.serial === serial, () => `${label} is given ${serial}, which is not at ${position}`);
    const matches = found === undefined || this.#ledger.matcher(this.#filter).matches(found.topic);
    this.#checks.hold('P1', matches, () => `${label} is given ${show(found!)}`);
  }

  #followed(account: Account, step: number): void {
    if (!account.isFresh) return;
    account.isFresh = false;
    account.excusedUntil = step;
  }

  #checkHoles(account: Account): void {
    const hole = account.holes[0];
    this.#checks.hold('P4', hole === undefined, () => `${this.#label} was not told that ${show(hole!)} is lost`);
    this.#checks.hold('P5', true, () => '');
  }
}

function covers({ topics, from, to }: Gap, { topic, position }: Entry): boolean {
  return from <= position && position <= to && topics.some((each) => each === topic || matchesPattern(each, topic));
}

function isOnlyOf({ topics }: Gap, topic: string): boolean {
  return topics.length === 1 && topics[0] === topic;
}
