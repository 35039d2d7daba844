import { type CursorParts, type From, parseCursor, type TopicMatcher } from '@hexbus/core';
import { decodeServerFrame, readSubscribed, type WireGap } from '@hexbus/core/wire';
import type { Checks } from '../../properties/checks.ts';
import type * as Parts from './parts.ts';
import type { Wish } from './server-connection.ts';
import type { Receiver } from './simulated-carrier.ts';
import type { SubscriptionAudit } from './subscription-audit.ts';

/** What a client may get wrong. */
export interface ClientMistakes {
  /** Rule 12: repeats are dropped by one position for the connection. */
  readonly oneHighWater?: boolean;
  /** Rule 13: what is kept and handed back is the last position, not the last token. */
  readonly keepsPosition?: boolean;
  /** Rule 14: every token is taken to cover every subscription. */
  readonly coversAll?: boolean;
}

/** One subscription of the client, over all its connections. */
export interface ClientSubscription {
  readonly id: number;
  readonly filter: readonly string[];
  readonly matcher: TopicMatcher;
  readonly from: From;
  readonly audit: SubscriptionAudit;
  /** Up to where it was given everything. Undefined until its first answer. */
  at: CursorParts | undefined;
  /** Answered on this connection. */
  isAttached: boolean;
  /** Where it began on this connection, and the position that it was given last: here nothing comes from before, and nothing twice. */
  startHere: number;
  lastHere: number;
}

/** A token, and which subscriptions had been answered when it came. */
interface Kept {
  readonly token: string;
  readonly covers: ReadonlySet<ClientSubscription>;
}

export interface ClientHost {
  readonly parts: typeof Parts;
  readonly checks: Checks;
  readonly mistakes: ClientMistakes;
  step(): number;
  /** The first answer to a subscription. */
  began(subscription: ClientSubscription, start: CursorParts): void;
  onCursor(cursor: string): void;
}

/** A client as the protocol wants it: keeps tokens and what they cover, hands events to subscriptions, and drops what each has had. */
export class ReferenceClient implements Receiver {
  readonly subscriptions = new Map<number, ClientSubscription>();
  readonly #host: ClientHost;
  #kept: Kept[] = [];
  #highWater: CursorParts | undefined;

  constructor(host: ClientHost) {
    this.#host = host;
  }

  /** The token that was the last one `back` frames ago, when some of the later frames were not handled yet. */
  kept(back: number): Kept | undefined {
    this.#kept = this.#kept.slice(-10);
    return this.#kept[Math.max(0, this.#kept.length - 1 - back)];
  }

  /** A connection begins. What to ask for when it goes on from a token. */
  wishes(kept: Kept | undefined): readonly Wish[] {
    return [...this.subscriptions.values()].map((subscription) => {
      const { id, filter, from, at } = subscription;
      const covered = kept !== undefined && (this.#host.mistakes.coversAll === true || kept.covers.has(subscription));
      subscription.isAttached = false;
      subscription.lastHere = 0;
      return { id, filter, from: covered ? 'covered' : at === undefined ? from : { after: formatted(at) } };
    });
  }

  received(text: string): void {
    const frame = decodeServerFrame(text);
    switch (frame.kind) {
      case 'reply':
        if (frame.reply.ok) this.#answered(frame.id, readSubscribed(frame.reply.body));
        return;
      case 'event': {
        const cursor = frame.cursor ?? '';
        for (const subscription of this.subscriptions.values()) {
          if (subscription.isAttached && subscription.matcher.matches(frame.message.topic))
            this.#offer(subscription, serialOf(frame.message.body), cursor);
        }
        this.#keep(cursor, cursor);
        return;
      }
      case 'event-for': {
        const cursor = frame.cursor ?? '';
        for (const id of frame.subs) {
          const subscription = this.subscriptions.get(id);
          if (subscription !== undefined) this.#offer(subscription, serialOf(frame.message.body), cursor);
        }
        this.#keep(frame.token, cursor);
        return;
      }
      case 'gap':
        this.#gap(frame.gap);
        return;
      case 'ping':
        this.#keep(frame.token ?? '');
        return;
      default:
        throw new Error(`the server says ${text}`);
    }
  }

  #answered(id: number, { start = '', token = '' }: ReturnType<typeof readSubscribed>): void {
    const subscription = this.subscriptions.get(id);
    if (subscription === undefined) return;
    subscription.isAttached = true;
    subscription.startHere = parseCursor(start).position;
    if (subscription.at === undefined) {
      subscription.at = parseCursor(start);
      this.#host.began(subscription, subscription.at);
    }
    this.#keep(token);
  }

  #offer(subscription: ClientSubscription, serial: number, cursor: string): void {
    const { checks, step, mistakes } = this.#host;
    const { epoch, position } = parseCursor(cursor);
    const { audit, at, id, startHere, lastHere, isAttached } = subscription;
    checks.hold('P13', isAttached, () => `subscription ${id} is given ${serial} before its answer`);
    checks.hold('P13', position > startHere, () => `subscription ${id} is given ${cursor}, before its start`);
    checks.hold('P2', position > lastHere, () => `subscription ${id} is given ${cursor} twice on one connection`);
    subscription.lastHere = position;
    const highWater = mistakes.oneHighWater === true ? this.#highWater : at;
    if (highWater?.epoch === epoch && position <= highWater.position) return;
    subscription.at = { epoch, position };
    audit.message(serial, position, epoch, step());
  }

  #gap({ subs, topics = [], from = 0, to = 0, why, token }: WireGap): void {
    const { step, parts } = this.#host;
    const concerned = [...this.subscriptions.values()].filter(({ id, isAttached }) => subs?.includes(id) ?? isAttached);
    const epoch = token === undefined ? undefined : parts.parseToken(token)?.epoch;
    // A token from before it would now claim what is to come again.
    if (why === 'reset' && concerned.some(({ at }) => at?.epoch === epoch)) this.#kept = [];
    for (const subscription of concerned) {
      if (why === 'trimmed') subscription.audit.gap({ topics, from, to }, step());
      else if (epoch !== undefined) {
        subscription.at = { epoch, position: 0 };
        subscription.startHere = 0;
        subscription.lastHere = 0;
        subscription.audit.reset(subscription.at);
      }
    }
    if (why === 'reset') this.#highWater = undefined;
    if (token !== undefined) this.#keep(token);
  }

  /** Everything up to the token is handled. */
  #keep(token: string, cursor?: string): void {
    const { parts, checks, mistakes, onCursor } = this.#host;
    const parsed = parts.parseToken(token);
    checks.hold('P14', parsed !== undefined, () => `${token} is no token`);
    if (parsed === undefined) return;
    const covers = new Set([...this.subscriptions.values()].filter(({ isAttached }) => isAttached));
    for (const { id, audit } of covers)
      audit.claimed({ epoch: parsed.epoch, position: parts.positionIn(parsed, id) }, token);
    this.#kept.push({ token: mistakes.keepsPosition === true && cursor !== undefined ? cursor : token, covers });
    if (cursor === undefined) return;
    onCursor(cursor);
    this.#highWater = parseCursor(cursor);
  }
}

function serialOf(body: unknown): number {
  return (body as { readonly serial: number }).serial;
}

function formatted({ epoch, position }: CursorParts): string {
  return `${epoch}.${position}`;
}

/** Two subscriptions agree on the order of what both were given. */
export function checkAgreement(subscriptions: readonly ClientSubscription[], checks: Checks): void {
  const orders = subscriptions.map(({ id, audit }) => ({ id, order: audit.order() }));
  for (const [index, one] of orders.entries()) {
    for (const other of orders.slice(index + 1)) {
      const [mine, theirs] = [new Set(one.order), new Set(other.order)];
      const left = one.order.filter((each) => theirs.has(each)).join(' ');
      const right = other.order.filter((each) => mine.has(each)).join(' ');
      checks.hold('P7', left === right, () => `${one.id} was given ${left}, ${other.id} ${right}`);
    }
  }
}
