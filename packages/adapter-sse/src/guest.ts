import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ProgramServer } from './options.ts';

type Emit = (this: ProgramServer, event: string, ...told: unknown[]) => boolean;

/**
 * Answers some requests to a server that belongs to somebody else: those that `take` says it took. Whoever listens to `request`, now or later, would answer them too
 * (with 404), and an emitter cannot be told to stop; so the server does not emit them at all. Everything else it emits as before. Returns what
 * takes that back.
 */
export function takeRequests(
  server: ProgramServer,
  take: (request: IncomingMessage, response: ServerResponse) => boolean,
): () => void {
  const hooked = server as { emit: Emit };
  const emit = hooked.emit;
  const hadOwn = Object.hasOwn(server, 'emit');
  let isOver = false;
  const hook: Emit = function (event, ...told) {
    const [request, response] = told as [IncomingMessage, ServerResponse];
    if (!isOver && event === 'request' && take(request, response)) return true;
    return emit.call(this, event, ...told);
  };
  hooked.emit = hook;
  // A server of HTTP/2 makes requests of its streams only for whoever listens.
  const listen = (): void => {};
  server.on('request', listen);
  return () => {
    isOver = true;
    server.off('request', listen);
    // Who hooked in behind this one goes on calling it.
    if (hooked.emit !== hook) return;
    if (hadOwn) hooked.emit = emit;
    else Reflect.deleteProperty(server, 'emit');
  };
}
