import { WebSocket } from 'ws';
import type { RawLink } from './raw-link.ts';

export function openRawWsLink(port: number, heard: (text: string) => void): RawLink {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/hexbus`, 'hexbus.v1.json');
  const opened = new Promise((resolve) => socket.on('open', resolve));
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  socket.on('message', (data) => heard(data.toString()));
  socket.on('error', () => undefined);
  return {
    closed,
    say: (texts) =>
      void opened.then(() => {
        for (const text of texts) socket.send(text);
      }),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    terminate: () => socket.terminate(),
  };
}
