/** What a token can cover: a subscription that remembers on which connection one did so first. */
export interface Coverable {
  coveredOn: number | undefined;
}

/** A frame of the stream that bore a token, until everything in it is handled. */
export interface Step {
  readonly token: string;
  readonly connection: number;
  /** The subscription that the token is the first to cover. */
  readonly covers: Coverable | undefined;
  /** What is not handled yet. */
  waiting: number;
}

/**
 * Finds the last token up to which everything was handled, over all subscriptions. Steps stand in the order of the stream; one counts when
 * nothing in it or before it waits. They outlive their connection, as what they wait for does.
 */
export class Progress {
  readonly #advanced: () => void;
  readonly #steps: Step[] = [];
  #token: string | undefined;
  #connection = 0;

  /** `token`: of an earlier life of the session, which counts as connection 0. */
  constructor(token: string | undefined, advanced: () => void) {
    this.#token = token;
    this.#advanced = advanced;
  }

  get token(): string | undefined {
    return this.#token;
  }

  /** The connection that brought the token. */
  get connection(): number {
    return this.#connection;
  }

  /** Whether resuming at the token gives the subscription what follows, and loses nothing. */
  covers(subscription: Coverable): boolean {
    return this.#token !== undefined && subscription.coveredOn === this.#connection;
  }

  /** A token came. The step waits until it is settled once, and once more for each `hold`. */
  begin(token: string, connection: number, covers?: Coverable): Step {
    const last = this.#steps.at(-1);
    // Nothing was to be handled in it: the new one says the same and more.
    if (last?.waiting === 0 && last.covers === undefined) this.#steps.pop();
    const step: Step = { token, connection, covers, waiting: 1 };
    this.#steps.push(step);
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
    let moved = false;
    for (let first = this.#steps[0]; first?.waiting === 0; first = this.#steps[0]) {
      this.#steps.shift();
      this.#token = first.token;
      this.#connection = first.connection;
      if (first.covers !== undefined) first.covers.coveredOn = first.connection;
      moved = true;
    }
    if (moved) this.#advanced();
  }
}
