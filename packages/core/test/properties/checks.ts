/** A property that did not hold. Its message starts with the property's id. */
export class PropertyViolation extends Error {
  override readonly name = 'PropertyViolation';
  readonly id: PropertyId;

  constructor(id: PropertyId, what: string) {
    super(`${id}: ${what}`);
    this.id = id;
  }
}

/** The properties of the bus, by the ids of docs and tests. `livelock` is not one of them: it guards all of P3, since what never rests never finishes. */
export const propertyTexts = {
  P1: 'the positions a listener handles rise, and what lies between two of them is gone',
  P2: 'without a failure or crash no listener handles a message twice',
  P3: 'at rest nothing of an active listener is unhandled after its start',
  P4: 'a gap covers every loss, and is reported only where there is one',
  P5: 'the gap comes before the first message after the hole',
  P6: 'messages of two epochs are separated by one reset',
  P7: 'two listeners agree on the order of what both handled',
  P8: 'messages stand in the order in which publish was called',
  P9: 'a resolved publish is in the history, also after crash and restart of a durable one',
  P10: 'a rejected publish is never delivered, unless its error says that the outcome is unknown',
  P11: 'a handler never runs concurrently with itself',
  P12: 'the next message starts only after the one before it is settled',
  P13: 'now, earliest, last and since mean the moment of the call, whatever overlaps it',
  P14: 'a listener that resumes from a cursor misses and repeats nothing',
  P15: 'a cursor of another epoch, above the head or malformed gives a reset or a refusal',
  P16: 'a cursor from before the first message resumes completely',
  P17: 'no unhandled message lies at or before a stored cursor, after any crash',
  P18: 'after a crash at most one batch of uncommitted messages is repeated, after a close none',
  P19: 'a held message is waiting, handled, dead or reported as dropped, and exactly one of them',
  P20: 'held messages are first handled in the order in which they came',
  P21: 'with a healthy listener nothing waits at rest, and without one nothing is removed',
  P22: 'what was handled is never replayed to a second, nested or returning listener',
  P23: 'a failing or hanging listener changes nothing for the others',
  P24: 'after unsubscribe or close no call starts, and both are safe inside a handler',
  P26: 'one id gives one message and receipts that differ only in duplicate',
  P27: 'what waits for a slow client never exceeds its bound by more than one message',
  P28: 'what a bound withheld comes later, or is covered by a signal',
  P35: 'the same commands give equal logs on every history',
  read: 'a page holds all of its filter between its two cursors, in order',
  livelock: 'a run comes to rest',
} as const;

export type PropertyId = keyof typeof propertyTexts;

/** Counts how often each property was decided, and keeps the first violation: handlers find some, and what a handler throws goes to the bus. */
export class Checks {
  readonly counts = new Map<PropertyId, number>();
  #violation: PropertyViolation | undefined;

  hold(id: PropertyId, holds: boolean, what: () => string): void {
    this.counts.set(id, (this.counts.get(id) ?? 0) + 1);
    if (!holds) this.#violation ??= new PropertyViolation(id, what());
  }

  raise(): void {
    if (this.#violation !== undefined) throw this.#violation;
  }
}
