import type { Clock } from '@hexbus/core';
import { hexbusV1Name } from '@hexbus/core/wire';
import { brokenCode, type Link, type LinkListener } from './link.ts';

/** As much of a WebSocket as the client uses. Those of browsers, of Node and of the package ws are some. */
export interface WebSocketLike {
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  readonly readyState: number;
  send(text: string): void;
  close(code?: number, reason?: string): void;
  /** Ends at once, where that is known. */
  terminate?(): void;
}

/** Opens at once, as the WebSocket of browsers does. */
export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocketLike;

export interface WsLinkOptions {
  readonly WebSocket: WebSocketConstructor;
  readonly url: string;
  readonly clock: Clock;
  /** How long the server may take to answer the client's close. */
  readonly closeTimeoutMs: number;
}

const openState = 1;

/** A link over a WebSocket that begins to open now. */
export function openWsLink({ WebSocket, url, clock, closeTimeoutMs }: WsLinkOptions, listener: LinkListener): Link {
  const socket = new WebSocket(url, [hexbusV1Name]);
  let opened = false;
  /** Undefined once it is over, since the socket may last longer: nobody but `terminate` ends it for a server that is mute. */
  let host: LinkListener | undefined = listener;
  let cancelTimer = (): void => undefined;
  const end = (code: number, reason: string): void => {
    const told = host;
    host = undefined;
    cancelTimer();
    told?.closed(code, reason);
  };
  socket.onopen = () => {
    opened = true;
    host?.opened();
  };
  socket.onmessage = ({ data }: { readonly data: unknown }) => {
    // Frames are text; what is binary is as good as an empty one.
    host?.received(typeof data === 'string' ? data : '');
  };
  // Why a link breaks is told to nobody in a browser. What follows is a close, but for one that never opened in Node 20 and 22.
  socket.onerror = () => {
    if (!opened) end(brokenCode, '');
  };
  socket.onclose = ({ code, reason }: { readonly code: number; readonly reason: unknown }) => end(code, String(reason));
  return {
    send(text) {
      if (socket.readyState === openState) socket.send(text);
    },
    close(code, reason) {
      if (host === undefined) return;
      socket.close(code, reason);
      cancelTimer = clock.setTimer(() => {
        socket.terminate?.();
        end(code, reason);
      }, closeTimeoutMs);
    },
  };
}
