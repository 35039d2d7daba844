import { openRawSseLink } from './raw-sse-link.ts';
import { openRawWsLink } from './raw-ws-link.ts';
import type { Via } from './via.ts';

/** What is under a raw client: texts both ways, and nothing that answers by itself. */
export interface RawLink {
  /** Resolves with the close code; 1006 when there was none. */
  readonly closed: Promise<number>;
  /** May be called at once. */
  say(texts: readonly string[]): void;
  /** Reads nothing more until `resume`. */
  pause(): void;
  resume(): void;
  terminate(): void;
}

/** Each text is told to `heard`. */
export type OpenRawLink = (port: number, heard: (text: string) => void) => RawLink;

export const openRawLink: Readonly<Record<Via, OpenRawLink>> = { ws: openRawWsLink, sse: openRawSseLink };
