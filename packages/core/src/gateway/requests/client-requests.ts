import type { Outcome, RequestOptions } from '../api.ts';
import type { ClientLine } from '../connection/client-line.ts';

const noHandler: Outcome = { status: 'error', code: 'no-handler', message: 'this client only listens' };
const overloaded: Outcome = { status: 'error', code: 'overloaded', message: 'the client takes nothing at present' };

/** Asks a client, if it can answer and takes anything. Rejects only for a body that cannot be sent. */
export async function askClient(
  line: ClientLine,
  name: string,
  body: unknown,
  { timeoutMs = line.parts.settings.timings.requestTimeoutMs, signal }: RequestOptions,
): Promise<Outcome> {
  if (!line.canAnswer) return noHandler;
  const { protocol, outbox, pending } = line;
  if (!outbox.hasRoom && pending.isConnected) return overloaded;
  const send = (id: number): boolean => {
    outbox.add(protocol.request(id, name, body, timeoutMs));
    return true;
  };
  return pending.ask(send, { timeoutMs, signal });
}
