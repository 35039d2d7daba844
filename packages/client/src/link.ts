/** What a link tells of itself: `opened` at most once, then any number of texts, then `closed` once, also after `close`. */
export interface LinkListener {
  /** Frames may be sent. Whether there is a server, its first text tells. */
  opened(): void;
  /** One whole frame, in order. */
  received(text: string): void;
  /** With the code and reason of whoever closed it, or 1006 when it broke. `retryAfterMs`: how long the server wants to be left alone. */
  closed(code: number, reason: string, retryAfterMs?: number): void;
}

/** A live link to a gateway, of any transport. Knows no frames. Nothing in it throws. */
export interface Link {
  /**
   * Sends one frame. Dropped when the link is not open any more, of which `closed` tells. `mayWait`: no hurry; where each sending has its price
   * it may wait for others, some seconds.
   */
  send(text: string, mayWait: boolean): void;
  /** After what was sent. `closed` is called later, within a bound, whatever the server does. */
  close(code: number, reason: string): void;
}

/** Makes a link and begins to open it; the listener is called after this returned. */
export type OpenLink = (listener: LinkListener) => Link;

/** What stands for a code where a link broke, RFC 6455 section 7.1.5. */
export const brokenCode = 1006;
