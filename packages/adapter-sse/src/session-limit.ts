import type { ServerResponse } from 'node:http';
import type { Http2Session } from 'node:http2';

/** How many streams keep a session out of its time limit, and what that was. */
interface Lifted {
  streams: number;
  readonly before: number;
}

/** Kept at the session, so that several transports on one server count together. */
const lifted: unique symbol = Symbol('lifted');

type LimitedSession = Http2Session & { readonly timeout?: number; [lifted]?: Lifted | undefined };

/** Takes a connection of HTTP/2 out of the time limit of its server, until the last stream for which that was done has ended. */
export function liftLimit(session: LimitedSession, response: ServerResponse): void {
  const limit = session[lifted] ?? { streams: 0, before: session.timeout ?? 0 };
  const { before } = limit;
  session[lifted] = limit;
  limit.streams += 1;
  session.setTimeout(0);
  response.once('close', () => {
    limit.streams -= 1;
    if (limit.streams > 0) return;
    session[lifted] = undefined;
    session.setTimeout(before);
  });
}
