import { createVirtualClock } from '@hexbus/testkit';
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

/** That of the package ws. */
class EndableSocket extends FakeSocket {
  terminated = 0;

  terminate(): void {
    this.terminated += 1;
  }
}

function opened(WebSocket: new () => FakeSocket = FakeSocket) {
  const told: string[] = [];
  const clock = createVirtualClock();
  const options = { WebSocket, url: 'ws://nobody', clock, closeTimeoutMs: 1_000 };
  const link = openWsLink(options, {
    opened: () => told.push('opened'),
    received: (text) => told.push(text),
    closed: (code) => told.push(`closed ${code}`),
  });
  return { link, socket: FakeSocket.last, told, clock };
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

test.each([FakeSocket, EndableSocket])(
  'a link whose close nobody answers is over within its bound, and lets go of %o',
  async (WebSocket) => {
    const { link, socket, told, clock } = opened(WebSocket);
    socket.onopen?.();
    link.close(1000, '');
    await clock.advance(999);
    socket.onmessage?.({ data: 'late' });
    expect(told).toEqual(['opened', 'late']);
    await clock.advance(1);
    expect(told).toEqual(['opened', 'late', 'closed 1000']);
    expect(socket).toMatchObject(socket instanceof EndableSocket ? { terminated: 1 } : {});
    socket.onmessage?.({ data: 'too late' });
    socket.onerror?.();
    socket.onclose?.({ code: 1006, reason: '' });
    expect(told).toHaveLength(3);
  },
);

test('a link whose close is answered leaves no timer behind', async () => {
  const { link, socket, told, clock } = opened(EndableSocket);
  socket.onopen?.();
  link.close(1000, '');
  socket.onclose?.({ code: 1000, reason: '' });
  link.close(1000, '');
  expect(clock.pendingTimers).toBe(0);
  expect([told, socket]).toMatchObject([['opened', 'closed 1000'], { terminated: 0 }]);
});
