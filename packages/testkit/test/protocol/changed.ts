import { createHexbusV1, type ProtocolHost, type ProtocolSession, type WireProtocol } from '@hexbus/core/gateway';

type Methods<Kind> = (original: Kind) => Partial<Kind>;

/** The same session, as an object of which single methods can be replaced. */
export function methodsOf(session: ProtocolSession): ProtocolSession {
  return {
    receive: (text) => session.receive(text),
    event: (message, cursor) => session.event(message, cursor),
    eventFor: (...values) => session.eventFor(...values),
    delivery: (...values) => session.delivery(...values),
    welcome: (welcome) => session.welcome(welcome),
    subscribed: (id, start) => session.subscribed(id, start),
    gap: (gap) => session.gap(gap),
    request: (...values) => session.request(...values),
    cancel: (id) => session.cancel(id),
    reply: (id, reply) => session.reply(id, reply),
    ping: (token) => session.ping(token),
    pong: () => session.pong(),
    expiring: (inMs) => session.expiring(inMs),
    bye: (bye) => session.bye(bye),
  };
}

/** The native protocol with other methods in the place of some. */
export function changed(change: {
  readonly protocol?: Partial<WireProtocol>;
  readonly host?: Methods<ProtocolHost>;
  readonly session?: (original: ProtocolSession, host: ProtocolHost) => Partial<ProtocolSession>;
}): () => WireProtocol {
  return () => {
    const inner = createHexbusV1();
    return {
      ...inner,
      open: (host) => {
        const session = methodsOf(inner.open({ ...host, ...change.host?.(host) }));
        return { ...session, ...change.session?.(session, host) };
      },
      ...change.protocol,
    };
  };
}

/** Changes the texts of a frame. */
export function replaced(
  method: 'event' | 'welcome' | 'gap' | 'reply' | 'bye',
  from: RegExp,
  to: string,
): () => WireProtocol {
  return changed({
    session: (session) => ({
      [method]: (...values: readonly unknown[]) => {
        const frame = (session[method] as (...all: readonly unknown[]) => { readonly text: string })(...values);
        return { ...frame, text: frame.text.replace(from, to) };
      },
    }),
  });
}
