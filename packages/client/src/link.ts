/** What a link tells of itself: `opened` at most once, then any number of texts, then `closed` once, also after `close`. */
export interface LinkListener {
  opened(): void;
  /** One whole frame, in order. */
  received(text: string): void;
  /** With the code and reason of whoever closed it, or 1006 when it broke. */
  closed(code: number, reason: string): void;
}

/** A live link to a gateway, of any transport. Knows no frames. Nothing in it throws. */
export interface Link {
  /** Sends one frame. Dropped when the link is not open any more, of which `closed` tells. */
  send(text: string): void;
  close(code: number, reason: string): void;
}

/** Makes a link and begins to open it; the listener is called after this returned. */
export type OpenLink = (listener: LinkListener) => Link;
