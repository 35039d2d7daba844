/** What a client keeps for when it comes back. */
export type Kept = Record<string, string>;

/** How clients of one kind of server speak. */
export interface Dialect {
  /** Where a WebSocket is asked for. Undefined: no WebSocket but lines of text, without a greeting, or a stream of events. */
  readonly path: string | undefined;
  /** Where a stream of events is asked for, with the id that is kept. */
  readonly stream?: string;
  /** Comments and events with a name are no messages. */
  readonly onlyUnnamed?: boolean;
  readonly subprotocol?: string;
  /** What the client says first, if it is the one who begins. */
  hello?(kept: Kept): string;
  /** A text of the server before the client is greeted: what to answer, or that it is greeted, or that this was a message already. */
  greet?(text: string, kept: Kept): string | typeof greeted | typeof early | undefined;
  /** Keeps of a message what coming back takes. */
  keep?(text: string, kept: Kept): void;
  /** Answers a question of the server. */
  answer?(text: string): string;
}

export const greeted: unique symbol = Symbol('greeted');
export const early: unique symbol = Symbol('early');

/** Questions and answers between programs that need nothing but an id. */
const numbered = (text: string): string => JSON.stringify(JSON.parse(text));

/** What libraries write before it is theirs. */
const greetedByName = (text: string): typeof greeted | undefined => (text.includes('welcome') ? greeted : undefined);

function keepId(text: string, kept: Kept): void {
  kept['id'] = /^id: ?(.+)$/m.exec(text)?.[1] ?? '';
}

export const dialects: Readonly<Record<DialectName, Dialect>> = {
  events: { path: undefined, stream: '/', greet: greetedByName, keep: keepId },
  'hexbus events': {
    path: undefined,
    stream: '/hexbus/sse?topic=news',
    onlyUnnamed: true,
    greet: (text) => (text.includes('event: subscribed') ? greeted : undefined),
    keep: keepId,
  },
  lines: { path: undefined, answer: (text) => `${numbered(text)}\n` },
  plain: { path: '/', hello: () => 'hello', greet: () => greeted, answer: numbered },
  'socket.io': {
    path: '/socket.io/?EIO=4&transport=websocket',
    greet(text, kept) {
      if (text.startsWith('0')) {
        const { pid, offset } = kept;
        return pid === undefined ? '40' : `40${JSON.stringify({ pid, offset })}`;
      }
      // Whoever comes back gets what was missed before the greeting.
      if (text.startsWith('42')) return early;
      if (!text.startsWith('40')) throw new Error(`socket.io: ${text}`);
      kept['pid'] = (JSON.parse(text.slice(2)) as { pid?: string }).pid ?? '';
      return greeted;
    },
    keep(text, kept) {
      kept['offset'] = (JSON.parse(text.slice(2)) as string[]).at(-1) ?? '';
    },
    answer(text) {
      const at = text.indexOf('[');
      const [, body] = JSON.parse(text.slice(at)) as unknown[];
      return `43${text.slice(2, at)}${JSON.stringify([body])}`;
    },
  },
  socketcluster: {
    path: '/socketcluster/',
    hello: () => '{"event":"#handshake","data":{"authToken":null},"cid":1}',
    greet(text) {
      const { rid } = JSON.parse(text) as { rid: number };
      return rid === 1 ? '{"event":"#subscribe","data":{"channel":"news"},"cid":2}' : greeted;
    },
    answer(text) {
      const { cid, data } = JSON.parse(text) as { cid: number; data: unknown };
      return JSON.stringify({ rid: cid, data });
    },
  },
  hexbus: {
    path: '/hexbus',
    subprotocol: 'hexbus.v1.json',
    hello(kept) {
      const { session, secret, token } = kept;
      const subs = session === undefined ? [[1, 'news']] : [[1, 'news', 'covered']];
      return JSON.stringify([
        1,
        { v: 1, subs, ...(session === undefined ? {} : { resume: { session, secret, token } }) },
      ]);
    },
    greet(text, kept) {
      const [type, body] = JSON.parse(text) as [number, Kept & { resumed: boolean }];
      if (type === 8) return greeted;
      if (type !== 2 || body.resumed !== (kept['session'] !== undefined)) throw new Error(`hexbus: ${text}`);
      kept['session'] = body['session'] as string;
      kept['secret'] = body['secret'] as string;
      if (body['token'] !== null) kept['token'] ??= body['token'] as string;
      return undefined;
    },
    keep(text, kept) {
      kept['token'] = (JSON.parse(text) as string[])[1] as string;
    },
    answer(text) {
      const [name, body, id] = JSON.parse(text) as unknown[];
      // A sign of life is asked for when a run takes long.
      return name === 14 ? '[15]' : JSON.stringify([8, id, body]);
    },
  },
};

export type DialectName = 'events' | 'hexbus events' | 'lines' | 'plain' | 'socket.io' | 'socketcluster' | 'hexbus';
