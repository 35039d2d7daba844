import { createServer, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import { createSseTransport } from '@hexbus/adapter-sse';
import { expect, it } from 'vitest';
import { listening } from '../../../test/support/transports/servers.ts';
import { dial, textOf } from './support/dial.ts';
import { type Admit, closeAfterEach, letIn, open, openSse } from './support/host.ts';

closeAfterEach();

const refused: Admit = async () => ({ accepted: false, status: 503, reason: 'full' });
const questions = {
  GET: { url: '/' },
  POST: { url: '/', method: 'POST', headers: { 'content-type': 'application/x-ndjson' }, body: 'text' },
};

/** A transport that is mounted, whose host decides when it is told to, and a question that waits for that. */
async function deciding(method: 'GET' | 'POST', admit: Admit) {
  let decide = (): void => {};
  const decided = new Promise<void>((resolve) => {
    decide = resolve;
  });
  let ask = (): void => {};
  const asked = new Promise<void>((resolve) => {
    ask = resolve;
  });
  const transport = createSseTransport();
  const opened = await open(transport, async (handshake, signal) => {
    ask();
    await decided;
    return admit(handshake, signal);
  });
  let response = {} as ServerResponse;
  const { port, stop } = await listening(
    createServer((request, given) => {
      response = given;
      transport.handler(request, given);
    }),
  );
  const caller = dial('http', port);
  const answering = caller.ask(questions[method]);
  await asked;
  return { ...opened, response, answering, decide, stop };
}

it.each([
  ['GET', 'lets in', letIn],
  ['GET', 'refuses', refused],
  ['POST', 'lets in', letIn],
  ['POST', 'refuses', refused],
] as const)(
  'whom the program answers while the host thinks is left to it, and holds no place: %s, the host %s',
  async (method, _, admit) => {
    const { response, answering, decide, guests, abandons, stop, transport } = await deciding(method, admit);
    response.writeHead(504).write('too ');
    decide();
    const answer = await answering;
    await transport.close();
    response.end('late');
    expect([answer?.status, answer && (await textOf(answer.body))]).toEqual([504, 'too late']);
    expect([guests.length, abandons.length]).toEqual([0, admit === letIn ? 1 : 0]);
    await stop();
  },
);

it('a stream that cannot begin, since what wraps the response throws, holds no place, and its client may come again', async () => {
  const { response, answering, decide, guests, abandons, stop } = await deciding('GET', letIn);
  response.write = () => {
    throw new Error('middleware');
  };
  decide();
  expect(await answering).toBeUndefined();
  expect([guests.length, abandons.length]).toEqual([0, 1]);
  await stop();
});

it('what the program answered before it handed it on is left to it', async () => {
  const transport = createSseTransport({ origins: 'any' });
  const { handshakes } = await open(transport);
  const { port, stop } = await listening(
    createServer((request, response) => {
      response.writeHead(404).write('not ');
      transport.handler(request, response);
      response.end('found');
    }),
  );
  const answer = await dial('http', port).ask({ url: '/' });
  expect([answer?.status, answer && (await textOf(answer.body))]).toEqual([404, 'not found']);
  expect(handshakes).toEqual([]);
  await stop();
});

it.each(['at once', 'later'])('what a listener for streams of HTTP/2 answers %s is left to it', async (when) => {
  const server = createHttp2Server();
  const streams: ServerHttp2Stream[] = [];
  const answer = (stream: ServerHttp2Stream): void => {
    stream.respond({ ':status': 404 });
    stream.end('theirs');
  };
  server.on('stream', (stream) => {
    if (when === 'at once') answer(stream);
    else streams.push(stream);
  });
  const { port } = await listening(server as unknown as Server);
  const { handshakes, abandons, guests } = await openSse({ server }, async (handshake, signal) => {
    for (const stream of streams) answer(stream);
    return letIn(handshake, signal);
  });
  const caller = dial('h2c', port);
  const answered = await caller.ask({ url: '/hexbus/sse' });
  expect([answered?.status, answered && (await textOf(answered.body))]).toEqual([404, 'theirs']);
  expect([handshakes.length, abandons.length, guests.length]).toEqual(when === 'at once' ? [0, 0, 0] : [1, 1, 0]);
  caller.reset();
  await new Promise((resolve) => server.close(resolve));
});
