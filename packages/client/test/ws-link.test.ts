import { expect, test } from 'vitest';
import { openWsLink, type WebSocketLike } from '../src/ws-link.ts';

class FakeSocket implements WebSocketLike {
  static last: FakeSocket;
  onopen: (() => void) | null = null;
  onmessage: ((event: { readonly data: unknown }) => void) | null = null;
  onerror: (() => void) | null = null;
  onclose: ((event: { readonly code: number; readonly reason: unknown }) => void) | null = null;
  readonly readyState = 0;

  constructor() {
    FakeSocket.last = this;
  }

  send(): void {}
  close(): void {}
}

function opened(): { readonly socket: FakeSocket; readonly told: string[] } {
  const told: string[] = [];
  openWsLink(FakeSocket, 'ws://nobody', {
    opened: () => told.push('opened'),
    received: (text) => told.push(text),
    closed: (code) => told.push(`closed ${code}`),
  });
  return { socket: FakeSocket.last, told };
}

test('a link that never opened is over with its error, whether or not a close follows', () => {
  const { socket, told } = opened();
  socket.onerror?.();
  expect(told).toEqual(['closed 1006']);
  socket.onclose?.({ code: 1006, reason: '' });
  expect(told).toEqual(['closed 1006']);
});

test('a link that was open is over with its close', () => {
  const { socket, told } = opened();
  socket.onopen?.();
  socket.onerror?.();
  socket.onmessage?.({ data: 'text' });
  socket.onclose?.({ code: 1012, reason: 'later' });
  expect(told).toEqual(['opened', 'text', 'closed 1012']);
});
