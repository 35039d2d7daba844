import {
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';
import { TLSSocket } from 'node:tls';

export interface Question {
  readonly method?: string;
  /** Path and query. */
  readonly url: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Buffer;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readable;
}

/** Everything that one client asks of one server. */
export interface Dial {
  /** Undefined: there was no answer. */
  ask(question: Question): Promise<Answer | undefined>;
  /** Cuts all that is open. */
  reset(): void;
}

export type Scheme = 'http' | 'https' | 'h2c' | 'h2';

export function dial(scheme: Scheme, port: number): Dial {
  return scheme === 'http' || scheme === 'https' ? dialHttp1(scheme, port) : dialHttp2(scheme, port);
}

function dialHttp1(scheme: 'http' | 'https', port: number): Dial {
  const options = { keepAlive: true, rejectUnauthorized: false };
  const agent = scheme === 'http' ? new HttpAgent(options) : new HttpsAgent(options);
  const ask = scheme === 'http' ? httpRequest : httpsRequest;
  const resets = new Set<() => void>();
  return {
    ask: ({ method = 'GET', url, headers = {}, body = '' }) =>
      new Promise((resolve) => {
        const asked = ask({ host: '127.0.0.1', port, method, path: url, headers, agent });
        const reset = (): void => {
          const { socket } = asked;
          if (socket !== null && !(socket instanceof TLSSocket)) socket.resetAndDestroy();
          asked.destroy();
        };
        resets.add(reset);
        asked.on('error', () => resolve(undefined));
        asked.on('close', () => {
          resets.delete(reset);
          resolve(undefined);
        });
        asked.on('response', (response) => {
          response.on('error', () => {});
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: response });
        });
        asked.end(body);
      }),
    reset() {
      for (const reset of resets) reset();
      agent.destroy();
    },
  };
}

function dialHttp2(scheme: 'h2c' | 'h2', port: number): Dial {
  const origin = `${scheme === 'h2' ? 'https' : 'http'}://127.0.0.1:${port}`;
  const session = connectHttp2(origin, { rejectUnauthorized: false });
  session.on('error', () => {});
  return {
    ask: ({ method = 'GET', url, headers = {}, body = '' }) =>
      new Promise((resolve) => {
        if (session.destroyed) return resolve(undefined);
        const stream = session.request({ ':method': method, ':path': url, ...headers }, { endStream: body === '' });
        stream.on('error', () => {});
        stream.on('close', () => resolve(undefined));
        stream.on('response', (head) => {
          resolve({ status: head[':status'] ?? 0, headers: head, body: stream });
        });
        if (body !== '') stream.end(body);
      }),
    reset: () => session.destroy(),
  };
}

export async function textOf(body: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
