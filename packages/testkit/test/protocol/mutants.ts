import { createHexbusV1, type ProtocolHost, type ProtocolSession, type WireProtocol } from '@hexbus/core/gateway';
import { changed, methodsOf, replaced } from './changed.ts';

/** A protocol with one fault, and the rule that must catch it. */
export interface ProtocolMutant {
  readonly rule: string;
  readonly fault: string;
  readonly create: () => WireProtocol;
}

export const listeningMutants: readonly ProtocolMutant[] = [
  { rule: 'PR-01', fault: 'has blanks in its name', create: changed({ protocol: { name: 'hexbus v1' } }) },
  {
    rule: 'PR-02',
    fault: 'greets before the client does',
    create: changed({
      session: (session, host) => {
        host.hello({ subscriptions: [], capabilities: [] });
        return session;
      },
    }),
  },
  {
    rule: 'PR-03',
    fault: 'cannot answer',
    create: changed({ session: () => ({ reply: () => undefined }) }),
  },
  {
    rule: 'PR-04',
    fault: 'loses the token of a resume',
    create: changed({
      host: ({ hello }) => ({
        hello: ({ resume, ...rest }) =>
          hello(resume === undefined ? rest : { ...rest, resume: { session: resume.session, secret: resume.secret } }),
      }),
    }),
  },
  {
    rule: 'PR-05',
    fault: 'takes frames before HELLO',
    create: changed({
      session: (session, host) => {
        session.receive('[1,{"v":1}]');
        return {
          receive: (text) => (text.startsWith('[1,') ? host.hello(JSON.parse(text)[1]) : session.receive(text)),
        };
      },
    }),
  },
  {
    rule: 'PR-06',
    fault: 'takes a second HELLO',
    create: changed({
      session: (session, host) => {
        let greeted = false;
        return {
          receive: (text) => {
            if (greeted && text.startsWith('[1,')) host.hello({ subscriptions: [], capabilities: [] });
            else session.receive(text);
            greeted = true;
          },
        };
      },
    }),
  },
  {
    rule: 'PR-07',
    fault: 'takes what is to be retried for what is not',
    create: changed({
      host: ({ reply }) => ({
        reply: (id, answer) =>
          reply(id, answer.ok ? answer : { ok: false, error: { ...answer.error, retryable: false } }),
      }),
    }),
  },
  {
    rule: 'PR-08',
    fault: 'listens on after a violation',
    create: changed({
      session: (session, host) => ({
        receive: (text) => {
          if (text.startsWith('[14')) host.ping();
          else session.receive(text);
        },
      }),
    }),
  },
  {
    rule: 'PR-09',
    fault: 'has one table of ids for all clients',
    create: () => {
      const inner = createHexbusV1();
      const ids = new Set<number>();
      return {
        ...inner,
        open: (host) =>
          inner.open({
            ...host,
            ask: (name, body, id) => {
              if (id !== undefined && ids.has(id)) host.violated(4509, 'in use');
              else if (id === undefined) host.ask(name, body);
              else host.ask(name, body, id);
              if (id !== undefined) ids.add(id);
            },
          }),
      };
    },
  },
  {
    rule: 'PR-10',
    fault: 'forgets ids at once',
    create: changed({
      session: (session) => ({
        receive: (text) => {
          session.receive(text);
          const id = /^\["load",.*,(\d+)\]$/.exec(text)?.[1];
          if (id !== undefined) session.reply(Number(id), { ok: true, body: null });
        },
      }),
    }),
  },
  {
    rule: 'PR-11',
    fault: 'never forgets an id',
    create: () => {
      const inner = createHexbusV1();
      const silent = inner.open(
        new Proxy({} as ProtocolHost, {
          get: () => () => undefined,
        }),
      );
      return {
        ...inner,
        open: (host) => ({ ...methodsOf(inner.open(host)), reply: (id, reply) => silent.reply(id, reply) }),
      };
    },
  },
  {
    rule: 'PR-12',
    fault: 'frees the id of a subscription when it is granted',
    create: changed({
      session: (session) => ({
        subscribed: (id) => session.reply(id, { ok: true, body: {} }),
      }),
    }),
  },
  {
    rule: 'PR-13',
    fault: 'tells the host of the end of what never began',
    create: changed({ host: ({ unsubscribe }) => ({ ignored: () => unsubscribe(1) }) }),
  },
  {
    rule: 'PR-14',
    fault: 'rounds ids',
    create: changed({
      session: (session) => ({ receive: (text) => session.receive(text.replace(/,1\.5([,\]])/, ',1$1')) }),
    }),
  },
  {
    rule: 'PR-15',
    fault: 'passes over what is no frame without a word',
    create: changed({
      session: (session) => ({ receive: (text) => (/^\[["\d]/.test(text) ? session.receive(text) : undefined) }),
    }),
  },
  {
    rule: 'PR-16',
    fault: 'looks into nothing that it parses',
    create: changed({
      session: (session, host) => ({
        receive: (text) => {
          if (text.startsWith('["load",')) host.ask('load', JSON.parse(text)[1], 1);
          else session.receive(text);
        },
      }),
    }),
  },
  {
    rule: 'PR-17',
    fault: 'copies bodies by assignment',
    create: changed({
      host: ({ ask }) => ({
        ask: (name, body, ...id) =>
          ask(name, typeof body === 'object' && body !== null ? Object.assign({}, body) : body, ...id),
      }),
    }),
  },
  {
    rule: 'PR-18',
    fault: 'throws what JSON.parse throws',
    create: changed({
      session: (session) => ({
        receive: (text) => {
          if (text.length > 12) JSON.parse(text);
          session.receive(text);
        },
      }),
    }),
  },
];

export const speakingMutants: readonly ProtocolMutant[] = [
  {
    rule: 'PR-19',
    fault: 'says nothing of the sender',
    create: replaced('event', /"sender":"ann",/, ''),
  },
  {
    rule: 'PR-19',
    fault: 'gives a message a type that it has not',
    create: replaced('event', /^(\[5,[^,]*,"[^"]*"),null/, '$1,"message"'),
  },
  {
    rule: 'PR-20',
    fault: 'makes a frame for each session',
    create: changed({ session: ({ event }) => ({ event: (message, cursor) => ({ ...event(message, cursor) }) }) }),
  },
  {
    rule: 'PR-20',
    fault: 'knows the last message only',
    create: () => {
      const inner = createHexbusV1();
      let last: { readonly id: string; readonly frame: ReturnType<ProtocolSession['event']> } | undefined;
      return {
        ...inner,
        open: (host) => {
          const session = methodsOf(inner.open(host));
          return {
            ...session,
            event: (message, cursor) => {
              if (last?.id !== message.id || last.frame.cursor !== cursor) {
                last = { id: message.id, frame: { ...session.event(message, cursor) } };
              }
              return last.frame;
            },
          };
        },
      };
    },
  },
  {
    rule: 'PR-21',
    fault: 'keeps the first cursor of a message',
    create: () => {
      const inner = createHexbusV1();
      const frames = new WeakMap<object, ReturnType<ProtocolSession['event']>>();
      return {
        ...inner,
        open: (host) => {
          const session = methodsOf(inner.open(host));
          return {
            ...session,
            event: (message, cursor) => {
              const frame = frames.get(message) ?? session.event(message, cursor);
              frames.set(message, frame);
              return frame;
            },
          };
        },
      };
    },
  },
  {
    rule: 'PR-21',
    fault: 'gives the stream a cursor that only some subscriptions have reached',
    create: changed({
      session: ({ eventFor }) => ({
        eventFor: (message, subs, token, cursor) => ({ ...eventFor(message, subs, token, cursor), cursor }),
      }),
    }),
  },
  {
    rule: 'PR-22',
    fault: 'parses what it sends',
    create: changed({
      session: ({ event }) => ({
        event: (message, cursor) => event({ ...message, body: message.body } as typeof message, cursor),
      }),
    }),
  },
  {
    rule: 'PR-23',
    fault: 'sends null for what JSON cannot carry',
    create: changed({
      session: ({ reply }) => ({
        reply: (id, answer) => {
          try {
            return reply(id, answer);
          } catch {
            return reply(id, { ok: true, body: null });
          }
        },
      }),
    }),
  },
  {
    rule: 'PR-24',
    fault: 'loses how far a gap goes',
    create: replaced('gap', /"to":9,/, ''),
  },
  {
    rule: 'PR-24',
    fault: 'never says when to try again',
    create: replaced('reply', /,"retryAfterMs":500/, ''),
  },
  {
    rule: 'PR-24',
    fault: 'tells nobody to come back',
    create: replaced('bye', /"reconnect":true/, '"reconnect":false'),
  },
  {
    rule: 'PR-25',
    fault: 'replaces halves of characters',
    create: replaced('event', /\\ud[89a-f][0-9a-f]{2}/g, '\\ufffd'),
  },
  {
    rule: 'PR-26',
    fault: 'takes CANCEL for the end of a subscription',
    create: changed({
      session: (session, host) => ({
        receive: (text) => {
          const id = /^\[10,(\d+)\]$/.exec(text)?.[1];
          const calls = host as ProtocolHost & { readonly calls: readonly (readonly unknown[])[] };
          session.receive(text);
          if (id !== undefined && calls.calls.at(-1)?.[0] === 'ignored') session.receive(`[4,${id}]`);
        },
      }),
    }),
  },
  {
    rule: 'PR-27',
    fault: 'reads the handshake of a client that speaks',
    create: changed({ protocol: { helloOf: () => ({ subscriptions: [], capabilities: [] }) } }),
  },
  {
    rule: 'PR-27',
    fault: 'throws for an address that is none',
    create: changed({
      protocol: {
        helloOf: ({ url }) => {
          decodeURIComponent(url);
          return undefined;
        },
      },
    }),
  },
  { rule: 'PR-28', fault: 'writes on two lines', create: replaced('event', /^\[/, '[\n') },
  {
    rule: 'PR-28',
    fault: 'gives a token as cursor, however long it is',
    create: changed({ session: ({ ping }) => ({ ping: (cursor) => ({ ...ping(cursor), text: '[14]', cursor }) }) }),
  },
  {
    rule: 'PR-28',
    fault: 'names a pause that is not whole',
    create: changed({
      session: ({ bye }) => ({ bye: (last) => ({ ...bye(last), text: bye(last)?.text ?? '', retryMs: last.afterMs }) }),
    }),
  },
];
