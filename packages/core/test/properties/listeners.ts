import {
  type Cursor,
  type CursorParts,
  isHexbusError,
  type NamedCursor,
  parseCursor,
  type SubscribeOptions,
} from '@hexbus/core';
import type { SubscribeCommand } from './commands.ts';
import { type HandlerHost, isRunning, Listener, type ListenerOptions, type LogEntry } from './listener.ts';
import { StreamAudit } from './stream-audit.ts';
import { closeTimeoutMs, type Life, type World } from './world.ts';

interface Waiting {
  readonly listener: Listener;
  readonly life: Life;
  resolved: boolean;
}

interface StreamSubscription {
  readonly command: SubscribeCommand;
  /** A cursor that it is to go on after, instead of the command's start. */
  readonly after?: CursorParts;
}

/** All listeners of a run, of every life of the program, and what becomes of their subscriptions. */
export class Listeners {
  readonly all: Listener[] = [];
  readonly #world: World;
  readonly #audits = new Map<Listener, StreamAudit>();
  readonly #lastCursors = new Map<Listener, CursorParts>();
  readonly #foreign = new Set<Listener>();
  readonly #named = new Map<string, Listener>();
  readonly #waiting: Waiting[] = [];
  #unread: [Listener, LogEntry][] = [];

  constructor(world: World) {
    this.#world = world;
  }

  attach(topic: string, maxTries: number, script: ListenerOptions['script']): void {
    const listener = this.#make({ filter: [topic], held: true, maxTries, script });
    this.#world.held.attached(topic);
    this.#subscribe(listener, { maxTries });
  }

  subscribe({ command, after }: StreamSubscription): void {
    const { ledger, checks, life, acknowledged, schedule } = this.#world;
    const { filter, name, maxTries, onFailure, script } = command;
    const from = after === undefined ? this.#from(command.start) : { after: formatted(after) };
    const token = typeof from === 'object' && 'after' in from ? from.after : undefined;
    const malformed = token !== undefined && !/^\w+\.\d+$/.test(token);
    const tokenParts = token === undefined || malformed ? undefined : parseCursor(token);
    const isNow = from === 'now' || (typeof from === 'object' && 'last' in from && from.last === 0);
    const listener = this.#make({
      filter,
      name,
      maxTries,
      onFailure,
      script,
    });
    listener.origin = {
      from: tokenParts !== undefined ? 'token' : isNow ? 'now' : 'located',
      expectedStart: tokenParts ?? (isNow ? acknowledged : undefined),
      resumes: after !== undefined,
    };
    const options: SubscribeOptions = {
      from,
      maxTries,
      onFailure,
      onGap: listener.onGap,
      onReset: listener.onReset,
      ...(name === undefined ? {} : { name }),
    };
    const holder = name === undefined ? undefined : this.#named.get(name);
    const taken = holder?.alive === true && !holder.isDone;
    const thrown = this.#subscribe(listener, options);
    if (life?.closing === undefined) {
      checks.hold(
        'P15',
        malformed === isHexbusError(thrown, 'HEXBUS_INVALID_CURSOR'),
        () => `${listener.label}: the cursor ${token} gave ${String(thrown)}`,
      );
      const wanted = malformed ? 'HEXBUS_INVALID_CURSOR' : taken ? 'HEXBUS_NAME_TAKEN' : undefined;
      // A name is free once `done` is settled, of which we may not have heard yet.
      const free = thrown === undefined && (wanted === undefined || (taken && schedule.isMidway));
      checks.hold(
        'P15',
        free || (wanted !== undefined && isHexbusError(thrown, wanted)),
        () => `${listener.label} could not subscribe: ${String(thrown)}`,
      );
    }
    if (thrown !== undefined) return;
    if (name !== undefined) this.#named.set(name, listener);
    if (tokenParts !== undefined) this.#noteForeign(listener, tokenParts);
    const audit = new StreamAudit(listener, ledger, checks);
    this.#audits.set(listener, audit);
    listener.subscription!.ready.then(
      (resolved) => this.#ready(listener, audit, parseCursor(resolved!.start)),
      () => undefined,
    );
    void listener.subscription!.done.then(() => this.#done(listener, audit));
  }

  /** Ends a listener and goes on where it was. */
  resume(pick: number): void {
    const listener = picked(
      this.all.filter((each) => this.#lastCursors.has(each)),
      pick,
    );
    if (listener === undefined) return;
    if (listener.alive) {
      this.#note(listener);
      listener.unsubscribe();
    }
    const after = this.#lastCursors.get(listener)!;
    this.#world.tokens.push(formatted(after));
    const { filter, maxTries, onFailure } = listener.options;
    const command: SubscribeCommand = {
      do: 'subscribe',
      filter,
      start: 'now',
      name: undefined,
      maxTries,
      onFailure,
      script: [],
    };
    this.subscribe({ command, after });
  }

  unsubscribe(pick: number): void {
    const going = this.all.filter((each) => each.active || each.starting);
    picked(going, pick)?.unsubscribe();
  }

  /** Everything published before this call is handled when `caughtUp` resolves. */
  awaitCaughtUp(pick: number): void {
    const { checks, ledger, publishes, life } = this.#world;
    const listener = picked(
      this.all.filter((each) => each.active),
      pick,
    );
    if (listener === undefined || life === undefined) return;
    const { epoch } = ledger.head;
    const { count } = publishes;
    const waiting: Waiting = { listener, life, resolved: false };
    this.#waiting.push(waiting);
    void listener.subscription!.caughtUp().then(() => {
      waiting.resolved = true;
      if (!listener.active || ledger.head.epoch !== epoch) return;
      this.#readLogs();
      const through = publishes.positionOf(count, epoch);
      checks.hold('P3', through !== undefined, () => `caughtUp of ${listener.label} resolves before the publishes do`);
      if (through === undefined) return;
      const [topic] = listener.options.filter as [string];
      const handled = listener.options.held
        ? !ledger.between(epoch, [topic], 0, through).some((entry) => entry.state === 'live' && !entry.requeued)
        : this.#audits.get(listener)!.hasSettled(epoch, through);
      checks.hold('P3', handled, () => `caughtUp of ${listener.label} resolves before all up to ${through} is handled`);
    });
  }

  markAllUnsubscribed(): void {
    for (const listener of this.all) if (listener.alive) listener.markUnsubscribed();
  }

  committed(cursor: NamedCursor): void {
    const listener = this.#named.get(cursor.name);
    if (listener !== undefined) this.#audits.get(listener)?.checkCommitted(cursor);
  }

  /** The cursor of a name is looked up: if there is one, its subscription begins there. */
  loading(name: string): void {
    const listener = this.#named.get(name);
    const stored = this.#world.ledger.cursors.get(name);
    if (listener === undefined || stored === undefined) return;
    listener.origin = { from: 'token', expectedStart: stored, resumes: true };
    this.#noteForeign(listener, stored);
  }

  /** Reads what the step has written to the logs, and what the subscriptions say of themselves. */
  afterStep(): void {
    this.#readLogs();
    for (const [listener, audit] of this.#audits) {
      if (!listener.alive || listener.start === undefined) continue;
      const cursor = this.#note(listener);
      if (cursor !== undefined) audit.checkCursor(cursor);
    }
  }

  atRest(knownEpoch: string): void {
    const { checks, held, ledger } = this.#world;
    const alive = this.all.filter((listener) => listener.alive);
    for (const [listener, audit] of this.#audits) {
      if (!listener.alive) continue;
      audit.atRest(knownEpoch);
      if (!listener.active || !this.#foreign.has(listener)) continue;
      const { epoch, position } = ledger.head;
      const reached = listener.start?.epoch === epoch && listener.start.position <= position;
      checks.hold(
        'P15',
        reached || audit.wasReset() || knownEpoch !== epoch,
        () =>
          `${listener.label} has the cursor ${formatted(listener.start!)} in ${formatted(ledger.head)}, where it is none, and was told nothing; ${listener.subscription?.cursor}`,
      );
    }
    held.atRest(alive);
    for (const { listener, life, resolved } of this.#waiting) {
      const due = life.alive && listener.active && !listener.busy;
      checks.hold('P3', resolved || !due, () => `caughtUp of ${listener.label} never resolves`);
    }
    for (const listener of alive) {
      const due = listener.unsubscribed && !listener.calls.some(isRunning);
      checks.hold('P24', !due || listener.isDone, () => `done of ${listener.label} never resolves`);
      checks.hold('P3', !listener.starting, () => `${listener.label} never begins`);
    }
    this.#checkAgreement();
  }

  lifeEnded(): void {
    this.#readLogs();
  }

  finish(): void {
    for (const audit of this.#audits.values()) audit.finish();
    this.#checkAgreement();
  }

  #make(options: Pick<ListenerOptions, 'filter' | 'maxTries' | 'script'> & Partial<ListenerOptions>): Listener {
    const { schedule, life } = this.#world;
    const complete: ListenerOptions = {
      held: false,
      name: undefined,
      onFailure: 'skip',
      createdAt: schedule.steps,
      ...options,
    };
    return new Listener(`L${this.all.length + 1}`, this.#hostOf(life!), complete);
  }

  #hostOf(life: Life): HandlerHost {
    const world = this.#world;
    return {
      schedule: world.schedule,
      now: () => world.time.now,
      isAlive: () => life.alive,
      publish: (topic) => world.publish(topic, undefined),
      attach: (filter) => {
        const [topic] = filter as [string];
        const script: ListenerOptions['script'] = [];
        if (world.ledger.retention.isHeld(topic)) this.attach(topic, 2, script);
        else
          this.subscribe({
            command: { do: 'subscribe', filter, start: 'now', name: undefined, onFailure: 'skip', maxTries: 2, script },
          });
      },
      close: () => {
        const closed = world.close(life);
        world.reopen(life, false);
        return closed;
      },
      logged: (listener, entry) => {
        this.#unread.push([listener, entry]);
        world.logged(listener.label, entry);
      },
    };
  }

  /** Returns what `subscribe` threw. */
  #subscribe(listener: Listener, options: SubscribeOptions): unknown {
    const life = this.#world.life!;
    const { filter, held } = listener.options;
    try {
      const signals = { onGap: listener.onGap, onReset: listener.onReset };
      listener.subscription = life.bus.subscribe(filter, listener.handle, { ...signals, ...options });
    } catch (error) {
      return error;
    }
    this.all.push(listener);
    if (held) void listener.subscription.done.then(() => this.#done(listener, undefined));
    return undefined;
  }

  #from(start: SubscribeCommand['start']): NonNullable<SubscribeOptions['from']> {
    const { tokens, ledger, time } = this.#world;
    if (start === 'now' || start === 'earliest' || 'last' in start) return start;
    if ('sinceMs' in start) return { since: time.now - start.sinceMs };
    if ('token' in start) {
      const token = picked(tokens, start.token);
      return token === undefined ? 'earliest' : { after: token };
    }
    const { epoch, position } = ledger.head;
    const bad = { epoch: 'another.3', above: `${epoch === '' ? 'none' : epoch}.${position + 30}`, malformed: '17' };
    return { after: bad[start.bad] };
  }

  #ready(listener: Listener, audit: StreamAudit, start: CursorParts): void {
    const { checks, ledger, acknowledged, located, life } = this.#world;
    if (!listener.alive) return;
    const { name, filter, createdAt } = listener.options;
    const { label } = listener;
    const { from, expectedStart, resumes } = listener.origin;
    listener.start = start;
    let bounds = { knownUntil: -1, excusedUntil: -1 };
    if (from === 'located') {
      const found = located.filter(
        ({ filter: of, start: at, step }) => of === filter.join(' ') && at === start.position && step >= createdAt,
      );
      checks.hold('P13', found.length > 0, () => `${label} starts at ${start.position}, which was no answer to it`);
      // Which of several equal answers it was given cannot be told.
      bounds = { knownUntil: found[0]?.step ?? -1, excusedUntil: found.at(-1)?.step ?? -1 };
    } else {
      // Subscribed before the history was open: `now` is the head that it was opened with.
      const expected = expectedStart ?? acknowledged!;
      const same = expected.epoch === start.epoch && expected.position === start.position;
      const id =
        from === 'now'
          ? 'P13'
          : name === undefined || !resumes
            ? 'P14'
            : start.position > expected.position
              ? 'P17'
              : 'P18';
      const openedLater = from === 'now' && expectedStart === undefined;
      checks.hold(id, same || openedLater, () => `${label} starts at ${formatted(start)}, not ${formatted(expected)}`);
    }
    if (name !== undefined && life?.closing === undefined) {
      const stored = ledger.cursors.get(name);
      checks.hold(
        'P17',
        stored?.epoch === start.epoch && stored.position === start.position,
        () => `${label} is ready, but ${name} is stored at ${stored?.position}, not ${start.position}`,
      );
    }
    audit.began(start, bounds);
  }

  /** It begins where the history has no such position. */
  #noteForeign(listener: Listener, start: CursorParts): void {
    const { epoch, position } = this.#world.ledger.head;
    if (epoch !== '' && (start.epoch !== epoch || start.position > position)) this.#foreign.add(listener);
  }

  #done(listener: Listener, audit: StreamAudit | undefined): void {
    if (!listener.alive) return;
    listener.isDone = true;
    this.#readLogs();
    const { checks, ledger, life, time } = this.#world;
    const waited = life?.closing === undefined || time.now - life.closeCalledAt < closeTimeoutMs;
    if (!waited) return;
    checks.hold('P24', !listener.busy, () => `${listener.label} is done, and its handler still runs`);
    const { name } = listener.options;
    if (name !== undefined) audit?.checkEnded(ledger.cursors.get(name));
  }

  #readLogs(): void {
    const unread = this.#unread;
    this.#unread = [];
    for (const [listener, entry] of unread) {
      const audit = this.#audits.get(listener);
      if (audit === undefined) this.#world.held.read(listener, entry);
      else audit.read(entry);
    }
  }

  #note(listener: Listener): CursorParts | undefined {
    const { cursor } = listener;
    if (cursor !== undefined && !listener.options.held) this.#lastCursors.set(listener, cursor);
    return cursor;
  }

  #checkAgreement(): void {
    const orders = [...this.#audits].map(([listener, audit]) => ({ listener, byEpoch: audit.orders() }));
    for (const [index, one] of orders.entries()) {
      for (const other of orders.slice(index + 1)) {
        for (const [epoch, positions] of one.byEpoch) {
          const theirs = other.byEpoch.get(epoch);
          if (theirs === undefined) continue;
          const [mine, both] = [new Set(positions), new Set(theirs)];
          const left = positions.filter((position) => both.has(position)).join(' ');
          const right = theirs.filter((position) => mine.has(position)).join(' ');
          this.#world.checks.hold(
            'P7',
            left === right,
            () => `${one.listener.label} handled ${left}, ${other.listener.label} ${right}`,
          );
        }
      }
    }
  }
}

function formatted({ epoch, position }: CursorParts): Cursor {
  return `${epoch}.${position}`;
}

function picked<T>(list: readonly T[], pick: number): T | undefined {
  return list.length === 0 ? undefined : list[pick % list.length];
}
