import type { Readable } from 'node:stream';
import type { ClientAnswer, ClientEnd, ConnectOptions, TransportClient } from '@hexbus/testkit';
import { createParser } from 'eventsource-parser';
import { type Answer, dial, type Scheme } from './dial.ts';

/** Where a transport is. */
export interface Place {
  readonly scheme: Scheme;
  readonly port: number;
  readonly path?: string;
}

const maxBodyBytes = 65_536;
const ndjson = { 'content-type': 'application/x-ndjson' };

/** A two-way client on real sockets: one stream, and one POST at a time. */
export function connectSse(place: Place, options: Partial<ConnectOptions> = {}): TransportClient {
  return new SseClient(place, options);
}

class SseClient implements TransportClient {
  readonly answer: Promise<ClientAnswer>;
  readonly closed: Promise<ClientEnd>;
  readonly #dial;
  readonly #path: string;
  #stream: Readable | undefined;
  #link: string | undefined;
  #sequence = 0;
  #isPosting = false;
  #paused = false;
  #unsent: string[] = [];
  /** What the client itself ended with. */
  #leaving: ClientEnd | undefined;
  #leave = '';
  /** What the server told that it ended with. */
  #told: ClientEnd | undefined;
  #isOver = false;
  readonly #texts: string[] = [];
  readonly #readers: { resolve(text: string): void; reject(error: Error): void }[] = [];
  #answered: (answer: ClientAnswer) => void = () => {};
  #end: (end: ClientEnd) => void = () => {};

  constructor({ scheme, port, path = '/hexbus/sse' }: Place, options: Partial<ConnectOptions>) {
    const { query = '', protocols = ['lab.v1'], headers = {} } = options;
    this.#dial = dial(scheme, port);
    this.#path = path;
    this.answer = new Promise((resolve) => {
      this.#answered = resolve;
    });
    this.closed = new Promise((resolve) => {
      this.#end = resolve;
    });
    const offer = protocols.length === 0 ? {} : { 'hexbus-protocol': protocols.join(', ') };
    const asking = this.#dial.ask({
      method: 'POST',
      url: `${path}${query}`,
      headers: { ...ndjson, ...offer, ...headers },
    });
    void asking.then((answer) => this.#opened(answer));
  }

  send(text: string): void {
    if (this.#leaving === undefined) this.#unsent.push(text);
    void this.#post();
  }

  next(): Promise<string> {
    const text = this.#texts.shift();
    if (text !== undefined) return Promise.resolve(text);
    if (this.#isOver) return Promise.reject(new Error('the link is gone'));
    return new Promise((resolve, reject) => void this.#readers.push({ resolve, reject }));
  }

  close(code: number, reason = ''): void {
    this.#leaving ??= { code, reason };
    this.#leave = `?close=${this.#leaving.code}&reason=${encodeURIComponent(this.#leaving.reason)}`;
    void this.#post();
  }

  reset(): void {
    this.#dial.reset();
    this.#finish();
  }

  pause(): void {
    this.#paused = true;
    this.#stream?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#stream?.resume();
  }

  #opened(answer: Answer | undefined): void {
    if (answer === undefined) {
      this.#finish();
      return;
    }
    if (answer.status !== 200) {
      const retry = answer.headers['retry-after'];
      const retryAfterMs = retry === undefined ? undefined : Number(retry) * 1000;
      this.#answered({ accepted: false, status: answer.status, retryAfterMs });
      this.reset();
      return;
    }
    const parser = createParser({ onEvent: ({ event, data }) => this.#heard(event, data) });
    const decoder = new TextDecoder();
    this.#stream = answer.body;
    this.#stream.on('data', (chunk: Buffer) => parser.feed(decoder.decode(chunk, { stream: true })));
    this.#stream.on('close', () => this.#finish());
    if (this.#paused) this.#stream.pause();
  }

  #heard(event: string | undefined, data: string): void {
    if (event === 'open') {
      const { link, protocol } = JSON.parse(data) as { link: string; protocol: string };
      this.#link = link;
      this.#answered({ accepted: true, protocol });
      void this.#post();
    } else if (event === 'close') this.#told = JSON.parse(data) as ClientEnd;
    else {
      const reader = this.#readers.shift();
      if (reader === undefined) this.#texts.push(data);
      else reader.resolve(data);
    }
  }

  async #post(): Promise<void> {
    while (this.#link !== undefined && !this.#isPosting && !this.#isOver) {
      const texts = this.#batch();
      const leave = this.#unsent.length === 0 ? this.#leave : '';
      if (texts.length === 0 && leave === '') return;
      if (leave !== '') this.#leave = '';
      this.#isPosting = true;
      this.#sequence += 1;
      const answer = await this.#dial.ask({
        method: 'POST',
        url: `${this.#path}${leave}`,
        headers: { ...ndjson, 'hexbus-link': this.#link, 'hexbus-sequence': this.#sequence },
        body: texts.join('\n'),
      });
      answer?.body.resume();
      this.#isPosting = false;
      // The link is gone; its stream tells how.
      if (answer?.status !== 202) return;
    }
  }

  /** As many texts as one body may hold. */
  #batch(): string[] {
    let room = maxBodyBytes + 1;
    let count = 0;
    for (const text of this.#unsent) {
      room -= Buffer.byteLength(text) + 1;
      if (room < 0 && count > 0) break;
      count += 1;
    }
    return this.#unsent.splice(0, count);
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#answered({ accepted: false });
    this.#end(this.#told ?? this.#leaving ?? { code: 1006, reason: '' });
    for (const { reject } of this.#readers.splice(0)) reject(new Error('the link is gone'));
    this.#dial.reset();
  }
}
