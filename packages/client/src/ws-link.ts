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
}

/** Opens at once, as the WebSocket of browsers does. */
export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocketLike;

const openState = 1;

/** A link over a WebSocket that begins to open now. */
export function openWsLink(WebSocket: WebSocketConstructor, url: string, listener: LinkListener): Link {
  const socket = new WebSocket(url, [hexbusV1Name]);
  let opened = false;
  let over = false;
  const end = (code: number, reason: string): void => {
    if (over) return;
    over = true;
    listener.closed(code, reason);
  };
  socket.onopen = () => {
    opened = true;
    listener.opened();
  };
  socket.onmessage = ({ data }: { readonly data: unknown }) => {
    // Frames are text; what is binary is as good as an empty one.
    listener.received(typeof data === 'string' ? data : '');
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
    close: (code, reason) => socket.close(code, reason),
  };
}
