/** How a handshake ended, as the client saw it. */
export type ClientAnswer =
  | {
      readonly accepted: true;
      /** The protocol that the server chose; empty when it named none. */
      readonly protocol: string;
    }
  | {
      readonly accepted: false;
      /** The HTTP status. Absent: the link was gone before there was one. */
      readonly status?: number | undefined;
      readonly retryAfterMs?: number | undefined;
    };

/** How a link ended, as one end of it saw it. 1006: without a code. */
export interface ClientEnd {
  readonly code: number;
  readonly reason: string;
}

/** The other end of a carrier. No method throws. After its end, or `close`, what it is told to send or close has no effect. */
export interface TransportClient {
  readonly answer: Promise<ClientAnswer>;
  /** Resolves when the link is gone; of a refused client too, with 1006. */
  readonly closed: Promise<ClientEnd>;
  send(text: string): void;
  /** The next text that nobody took yet. Rejects when the link is gone and no text is left. */
  next(): Promise<string>;
  /** Ends in good order, after what was sent. */
  close(code: number, reason?: string): void;
  /** Goes without a word, at any moment, also during the handshake; what the server sent is lost. */
  reset(): void;
  /** Reads nothing more until `resume`, so that what the server sends piles up. */
  pause(): void;
  resume(): void;
}
