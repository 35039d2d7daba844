import type { Post } from './post.ts';
import type { SseCarrier } from './sse-carrier.ts';

/** How a POST ended: taken; out of sequence, or of a link that is gone. */
export type PostStatus = 202 | 409;

/** Brings what a client POSTs to its carrier, in order, and each POST once, however often its answer was lost. */
export class Uplink {
  readonly #carrier: SseCarrier;
  /** Settles when everything that came before the next POST was taken. */
  readonly #opening: Promise<boolean>;
  #taken = 0;
  #pending: { readonly sequence: number; readonly status: Promise<PostStatus> } | undefined;

  /** `texts`: what the client sent when it opened. */
  constructor(carrier: SseCarrier, texts: readonly string[]) {
    this.#carrier = carrier;
    this.#opening = carrier.receive(texts);
  }

  /** Settles when the texts were taken, or the carrier is over. Texts of one POST wait at most, since there is no next one before that. */
  post(post: Post): Promise<PostStatus> {
    const { sequence } = post;
    if (sequence <= this.#taken) return Promise.resolve(202);
    if (this.#pending?.sequence === sequence) return this.#pending.status;
    if (sequence !== this.#taken + 1) return Promise.resolve(409);
    const status = this.#take(post);
    this.#pending = { sequence, status };
    return status;
  }

  async #take({ sequence, texts, end }: Post): Promise<PostStatus> {
    await this.#opening;
    const isTaken = await this.#carrier.receive(texts);
    this.#pending = undefined;
    if (!isTaken) return 409;
    this.#taken = sequence;
    if (end !== undefined) this.#carrier.left(end.code, end.reason);
    return 202;
  }
}
