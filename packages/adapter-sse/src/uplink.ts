import type { Post } from './post.ts';
import type { SseCarrier } from './sse-carrier.ts';

/** How a POST ended: taken; out of sequence, or of a link that is gone; still under way, and a repeat of it waits now. */
export type PostStatus = 202 | 409 | 503;

/** Brings what a client POSTs to its carrier, in order, and each POST once, however often its answer was lost. */
export class Uplink {
  readonly #carrier: SseCarrier;
  /** Settles when everything that came before the next POST was taken. */
  readonly #opening: Promise<boolean>;
  #taken = 0;
  /** Tells the one who waits for the POST that is under way, if one is. */
  #answer: ((status: PostStatus) => void) | undefined;

  /** `texts`: what the client sent when it opened. */
  constructor(carrier: SseCarrier, texts: readonly string[]) {
    this.#carrier = carrier;
    this.#opening = carrier.receive(texts);
  }

  /** What a POST of this number is: 202, taken before; 100, the next one; 409, one too far. */
  expects(sequence: number): 100 | 202 | 409 {
    if (sequence <= this.#taken) return 202;
    return sequence === this.#taken + 1 ? 100 : 409;
  }

  /**
   * Settles when the texts were taken, or the carrier is over. Of a POST that is under way the texts of the first are kept; the last repeat waits,
   * and whoever waited before it is answered with 503.
   */
  post(post: Post): Promise<PostStatus> {
    const expected = this.expects(post.sequence);
    if (expected !== 100) return Promise.resolve(expected);
    const isRepeat = this.#answer !== undefined;
    this.#answer?.(503);
    const answered = new Promise<PostStatus>((resolve) => {
      this.#answer = resolve;
    });
    if (!isRepeat) void this.#take(post);
    return answered;
  }

  async #take({ sequence, texts, end }: Post): Promise<void> {
    await this.#opening;
    const isTaken = await this.#carrier.receive(texts);
    if (isTaken) this.#taken = sequence;
    if (isTaken && end !== undefined) this.#carrier.left(end.code, end.reason);
    const answer = this.#answer;
    this.#answer = undefined;
    answer?.(isTaken ? 202 : 409);
  }
}
