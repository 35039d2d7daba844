import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { ClientAnswer, ClientEnd, ConnectOptions, TransportClient } from '@hexbus/testkit';
import { WebSocket } from 'ws';

/** A client on a real socket. */
export function connectWs(
  url: string,
  options: Partial<ConnectOptions> & { readonly deflate?: boolean } = {},
): TransportClient & { ws: WebSocket } {
  const { query = '', protocols = ['lab.v1'], headers = {}, deflate = false } = options;
  const ws = new WebSocket(`${url}${query}`, [...protocols], {
    headers,
    perMessageDeflate: deflate,
    rejectUnauthorized: false,
  });
  const texts: string[] = [];
  const readers: { resolve(text: string): void; reject(error: Error): void }[] = [];
  const gone = () => new Error('the link is gone');
  let isOver = false;

  const answer = new Promise<ClientAnswer>((resolve) => {
    ws.on('open', () => resolve({ accepted: true, protocol: ws.protocol }));
    ws.on('unexpected-response', (_, response) => {
      const retry = response.headers['retry-after'];
      resolve({
        accepted: false,
        status: response.statusCode,
        retryAfterMs: retry === undefined ? undefined : Number(retry) * 1000,
      });
      ws.terminate();
    });
    ws.on('close', () => resolve({ accepted: false }));
  });
  const closed = new Promise<ClientEnd>((resolve) => {
    ws.on('close', (code, reason) => {
      isOver = true;
      for (const { reject } of readers.splice(0)) reject(gone());
      resolve({ code, reason: reason.toString() });
    });
  });
  ws.on('error', () => {});
  ws.on('message', (data: Buffer) => {
    const reader = readers.shift();
    if (reader === undefined) texts.push(data.toString());
    else reader.resolve(data.toString());
  });

  return {
    ws,
    answer,
    closed,
    send(text) {
      if (ws.readyState === WebSocket.OPEN) ws.send(text);
    },
    next() {
      const text = texts.shift();
      if (text !== undefined) return Promise.resolve(text);
      if (isOver) return Promise.reject(gone());
      return new Promise((resolve, reject) => void readers.push({ resolve, reject }));
    },
    close: (code, reason) => ws.close(code, reason),
    reset() {
      const { _socket: socket } = ws as unknown as { _socket: Socket | null };
      if (socket === null || socket instanceof TLSSocket) ws.terminate();
      else socket.resetAndDestroy();
    },
    pause: () => ws.pause(),
    resume: () => ws.resume(),
  };
}
