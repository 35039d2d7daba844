/** What a token can cover: a subscription. Told apart by identity. */
export type Coverable = object;

/** A frame of the stream that bore a token, until everything in it is handled. */
export interface Step {
  readonly token: string;
  readonly connection: number;
  /** The subscriptions that the token is the first of its connection to cover. */
  covers: readonly Coverable[];
  /** What is not handled yet. */
  waiting: number;
  previous: Step | undefined;
  next: Step | undefined;
}

/**
 * Finds the last token up to which everything was handled, over all subscriptions. Steps stand in the order of the stream; one counts when
 * nothing in it or before it waits. They outlive their connection, as what they wait for does.
 */
export class Progress {
  readonly #advanced: () => void;
  #first: Step | undefined;
  #last: Step | undefined;
  #handled: string | undefined;
  #connection = 0;
  #resumable: string | undefined;
  /** What `#resumable` covers. */
  #covered: Set<Coverable>;
  /** What `#handled` covers. */
  #coveredNow = new Set<Coverable>();

  /** `token`: of an earlier life of the session, which counts as connection 0. */
  constructor(token: string | undefined, advanced: () => void) {
    this.#handled = token;
    this.#resumable = token;
    this.#covered = this.#coveredNow;
    this.#advanced = advanced;
  }

  /** The last token whose messages were all handled. */
  get handled(): string | undefined {
    return this.#handled;
  }

  /** The connection that brought it. */
  get connection(): number {
    return this.#connection;
  }

  /** Where to resume: the last handled token that covers whatever the one before covered, so that no subscription loses its place. */
  get token(): string | undefined {
    return this.#resumable;
  }

  /** Whether resuming at the token gives the subscription what follows, and loses nothing. */
  covers(subscription: Coverable): boolean {
    return this.#resumable !== undefined && this.#covered.has(subscription);
  }

  /** The token of the earlier life holds for the subscription too. */
  inherit(subscription: Coverable): void {
    this.#covered.add(subscription);
  }

  /** The subscription has ended, so no token need cover it. */
  forget(subscription: Coverable): void {
    this.#covered.delete(subscription);
    this.leaveOut(subscription);
    this.#promote();
  }

  /** From here on the stream goes on without the subscription: no further token holds for it, until one covers it anew. */
  leaveOut(subscription: Coverable): void {
    this.#coveredNow = new Set(this.#coveredNow);
    this.#coveredNow.delete(subscription);
    for (let step = this.#first; step !== undefined; step = step.next)
      step.covers = step.covers.filter((other) => other !== subscription);
  }

  /** A token came. The step waits until it is settled once, and once more for each `hold`. */
  begin(token: string, connection: number, covers?: Coverable): Step {
    const previous = this.#last;
    const covered = covers === undefined ? [] : [covers];
    const step: Step = { token, connection, covers: covered, waiting: 1, previous, next: undefined };
    if (previous === undefined) this.#first = step;
    else previous.next = step;
    this.#last = step;
    return step;
  }

  /** The step waits for one thing more, until what this returns is called. */
  hold(step: Step | undefined): () => void {
    if (step === undefined) return () => undefined;
    step.waiting += 1;
    return () => this.settle(step);
  }

  settle(step: Step): void {
    step.waiting -= 1;
    if (step.waiting > 0) return;
    // Of neighbours that are settled the later one says the same and more, so what waits for one slow handler stays small.
    const { previous, next } = step;
    const last = next?.waiting === 0 && next.connection === step.connection ? this.#merge(step, next) : step;
    if (previous?.waiting === 0 && previous.connection === step.connection) this.#merge(previous, last);
    let moved = false;
    for (let first = this.#first; first?.waiting === 0; first = this.#first) {
      this.#remove(first);
      this.#take(first);
      // Each: the next may be of another connection, which covers nothing yet.
      this.#promote();
      moved = true;
    }
    if (moved) this.#advanced();
  }

  #take({ token, connection, covers }: Step): void {
    this.#handled = token;
    if (connection !== this.#connection) this.#coveredNow = new Set();
    this.#connection = connection;
    for (const subscription of covers) this.#coveredNow.add(subscription);
  }

  #promote(): void {
    const now = this.#coveredNow;
    if (this.#covered !== now && ![...this.#covered].every((subscription) => now.has(subscription))) return;
    this.#resumable = this.#handled;
    this.#covered = now;
  }

  #merge(earlier: Step, later: Step): Step {
    this.#remove(earlier);
    later.covers = earlier.covers.length === 0 ? later.covers : [...earlier.covers, ...later.covers];
    return later;
  }

  #remove({ previous, next }: Step): void {
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
  }
}
