export type FrameTuple = readonly [string | number, ...unknown[]];

/** The server's end of one link, of any transport, as a test plays it. */
export interface FakePeer {
  readonly url: string;
  readonly protocols: readonly string[];
  /** As that of a WebSocket: 0 before it is accepted, 1 open, then 2 or 3. */
  readonly readyState: number;
  /** All that the client sent. */
  readonly sent: readonly FrameTuple[];
  /** What the client has closed it with. */
  readonly closedWith: { readonly code: number | undefined; readonly reason: string | undefined } | undefined;
  accept(): void;
  /** Frames to the client, each as a message of its own. */
  say(...frames: readonly unknown[]): void;
  cut(code?: number, reason?: string): void;
  /** What the client sent since the last call. */
  take(): FrameTuple[];
}
