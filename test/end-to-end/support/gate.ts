import type { ClientOptions } from '@hexbus/client';
import { WebSocket } from 'ws';
import type { Via } from './via.ts';

/** For a client that takes what it gets: lets one transport through at a time. */
export class Gate {
  open: Via = 'ws';
  readonly options: Required<Pick<ClientOptions, 'transport' | 'WebSocket' | 'fetch'>>;

  constructor() {
    const lets = (via: Via): boolean => this.open === via;
    this.options = {
      transport: 'auto',
      WebSocket: class extends WebSocket {
        constructor(url: string, protocols: string[]) {
          super(lets('ws') ? url : 'ws://127.0.0.1:1', protocols);
        }
      },
      fetch: async (url, init) => {
        if (lets('sse')) return fetch(url, init);
        throw new TypeError('refused by the test');
      },
    };
  }

  switch(): void {
    this.open = this.open === 'ws' ? 'sse' : 'ws';
  }
}
