import { configError } from '@hexbus/core/wire';
import type { OpenLink } from './link.ts';
import { type FetchLike, openSseLink, type SseLinkOptions } from './sse-link.ts';
import { openWsLink, type WebSocketConstructor } from './ws-link.ts';

export type TransportChoice = 'ws' | 'sse' | 'auto';

/** What `createClient` takes that concerns links. */
export interface TransportOptions {
  /** Of the gateway: ws, wss, http or https; in a page it may be relative. */
  readonly url: string;
  /**
   * `ws`: WebSocket. `sse`: an event stream and POSTs, at the path + `/sse`. `auto`: WebSocket, and SSE where that does not get through;
   * stays with SSE where WebSocket never did. Default `clientDefaults.transport`.
   */
  readonly transport?: TransportChoice | undefined;
  /** Where the runtime has none, as Node 20: the one of the package ws. */
  readonly WebSocket?: WebSocketConstructor | undefined;
  /** For SSE, instead of the runtime's: one that adds headers, or `credentials: 'include'` for a gateway on another origin. */
  readonly fetch?: FetchLike | undefined;
}

/** Makes the links that the options ask for, or throws `HEXBUS_CONFIG` naming the field. */
export function chooseLink(
  options: TransportOptions,
  transport: TransportChoice,
  settings: Omit<SseLinkOptions, 'fetch' | 'url'>,
): OpenLink {
  const runtime = globalThis as { readonly WebSocket?: WebSocketConstructor; readonly fetch?: FetchLike };
  const { WebSocket = runtime.WebSocket, fetch = runtime.fetch } = options;
  const url = gatewayUrl(options.url);
  const overWs = (): OpenLink => {
    if (typeof WebSocket !== 'function')
      throw configError('WebSocket', WebSocket, "pass the class of the package ws, or use 'sse'");
    const wsUrl = url.href.replace(/^http/, 'ws');
    return (listener) => openWsLink({ ...settings, WebSocket, url: wsUrl }, listener);
  };
  const overSse = (): OpenLink => {
    if (typeof fetch !== 'function') throw configError('fetch', fetch, 'this runtime has none: pass one');
    const sseUrl = new URL(url.href.replace(/^ws/, 'http'));
    sseUrl.pathname = sseUrl.pathname.replace(/\/?$/, '/sse');
    return (listener) => openSseLink({ ...settings, fetch, url: sseUrl.href }, listener);
  };
  switch (transport) {
    case 'ws':
      return overWs();
    case 'sse':
      return overSse();
    case 'auto':
      return WebSocket === undefined ? overSse() : alternate(overWs(), overSse());
    default:
      throw configError('transport', transport, "use 'ws', 'sse' or 'auto'");
  }
}

/**
 * Tries both in turn while nothing is heard, WebSocket twice as often where it got through last. Stays with SSE only where WebSocket never did: a server that
 * comes back may be met by either.
 */
function alternate(ws: OpenLink, sse: OpenLink): OpenLink {
  let order = [ws, sse];
  let afterSse = [sse, ws];
  let attempts = 0;
  return (listener) => {
    const open = order[attempts % order.length] ?? ws;
    attempts += 1;
    return open({
      ...listener,
      received(text) {
        attempts = 0;
        if (open === ws) {
          order = [ws, ws, sse];
          afterSse = [ws, sse];
        } else order = afterSse;
        listener.received(text);
      },
    });
  };
}

/** Absolute, and without the part behind # that older browsers refuse for sockets, as they do http. */
function gatewayUrl(given: string): URL {
  const base = (globalThis as { location?: { href: string } }).location?.href;
  let url: URL | undefined;
  try {
    url = new URL(given, base);
  } catch {
    // Told below.
  }
  if (url === undefined || !/^(ws|http)s?:$/.test(url.protocol))
    throw configError('url', given, 'pass one such as wss://example.com/hexbus');
  url.hash = '';
  return url;
}
