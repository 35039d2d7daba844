import { Agent, type IncomingMessage, request } from 'node:http';
import { createParser } from 'eventsource-parser';
import type { RawLink } from './raw-link.ts';

const contentType = 'application/x-ndjson';

/** The stream is opened by what is said first; each later word is a POST of its own, after the one before was answered. */
export function openRawSseLink(port: number, heard: (text: string) => void): RawLink {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const address = { host: '127.0.0.1', port, path: '/hexbus/sse', method: 'POST' };
  const headers = { 'content-type': contentType, 'hexbus-protocol': 'hexbus.v1.json' };
  const stream = request({ ...address, headers, agent: false });
  let opening = true;
  let sequence = 0;
  let code = 1006;
  let response: IncomingMessage | undefined;
  let told: (link: string) => void = () => undefined;
  let posted: Promise<unknown> = new Promise<string>((resolve) => {
    told = resolve;
  });
  const link = posted as Promise<string>;

  const parser = createParser({
    onEvent({ event, data }) {
      if (event === undefined) heard(data);
      if (event === 'open') told((JSON.parse(data) as { link: string }).link);
      if (event === 'close') code = (JSON.parse(data) as { code: number }).code;
    },
  });
  const closed = new Promise<number>((resolve) => {
    stream.on('error', () => undefined);
    stream.on('close', () => {
      agent.destroy();
      resolve(code);
    });
    stream.on('response', (answer) => {
      response = answer;
      answer.setEncoding('utf8').on('data', (chunk: string) => parser.feed(chunk));
    });
  });

  const post = (name: string, body: string): Promise<void> =>
    new Promise((resolve) => {
      sequence += 1;
      const uplinkHeaders = { 'content-type': contentType, 'hexbus-link': name, 'hexbus-sequence': sequence };
      const uplink = request({ ...address, headers: uplinkHeaders, agent }, (answer) => answer.resume());
      uplink
        .on('error', () => undefined)
        .on('close', resolve)
        .end(body);
    });

  return {
    closed,
    say(texts) {
      const body = texts.join('\n');
      if (opening) stream.end(body);
      else posted = Promise.all([link, posted]).then(([name]) => post(name, body));
      opening = false;
    },
    pause: () => void response?.pause(),
    resume: () => void response?.resume(),
    terminate: () => void stream.destroy(),
  };
}
