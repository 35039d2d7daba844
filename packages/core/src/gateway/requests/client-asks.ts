import type { WireReply } from '../../ports/protocol.ts';
import type { Rights } from '../admission/rights.ts';
import type { ConnectionInfo } from '../api.ts';
import type { ClientLine } from '../connection/client-line.ts';
import { refusal, wireErrorOf } from './wire-errors.ts';

export interface ClientAsksOptions {
  readonly info: ConnectionInfo;
  readonly rights: Rights;
  /** Answers the client. */
  readonly reply: (id: number, reply: WireReply) => void;
}

/** A message as a client wants it published. */
export interface ClientMessage {
  readonly topic: string;
  readonly type?: string;
  readonly body: unknown;
  readonly messageId?: string;
}

/** One that runs. */
interface Ask {
  /** Undefined: nobody waits for the answer, or no longer. */
  id: number | undefined;
  readonly controller: AbortController;
}

/**
 * What one client asks of the server: each request runs by itself, and at most so many at once; more are refused, since what they wait for may be said
 * after them. What it publishes keeps the order of its calls.
 */
export class ClientAsks {
  readonly #line: ClientLine;
  readonly #options: ClientAsksOptions;
  readonly #running = new Set<Ask>();
  /** Whether the last message may be published, once that is known of all before it too. */
  #lastVerdict: Promise<boolean> | undefined;

  constructor(line: ClientLine, options: ClientAsksOptions) {
    this.#line = line;
    this.#options = options;
  }

  /** Without an id nobody waits for the answer. */
  ask(name: string, body: unknown, id: number | undefined): void {
    const { info } = this.#options;
    const handler = this.#line.parts.handlers.get(name);
    if (handler === undefined) {
      this.#answer(id, refusal('no-handler', 'the server has no handler of this name'));
      return;
    }
    this.#run(id, `a notification ${name}`, async (signal) => {
      try {
        return { ok: true, body: (await handler(body, { connection: info, signal })) ?? null };
      } catch (error) {
        this.#line.onError(error);
        return refusal('remote-error', 'the handler failed');
      }
    });
  }

  publish(id: number, { topic, type, body, messageId }: ClientMessage): void {
    const { info, rights } = this.#options;
    const { bus } = this.#line.parts;
    this.#run(id, 'a message', async (signal) => {
      this.#lastVerdict = inTurn(rights.allows('publish', topic), this.#lastVerdict);
      if (!(await this.#lastVerdict)) return refusal('forbidden', 'publishing to this topic is not allowed');
      try {
        const sender = info.identity.userId;
        return { ok: true, body: await bus.publish(topic, body, { id: messageId, type, sender, signal }) };
      } catch (error) {
        return { ok: false, error: wireErrorOf(error) };
      }
    });
  }

  /** The client does not want the answer any more. */
  cancel(id: number): void {
    for (const ask of this.#running) if (ask.id === id) giveUp(ask);
  }

  /** The client is gone: what runs is told by its signal, and answers nobody. */
  end(): void {
    for (const ask of this.#running) giveUp(ask);
  }

  #run(id: number | undefined, what: string, work: (signal: AbortSignal) => Promise<WireReply>): void {
    if (this.#running.size >= this.#line.parts.settings.limits.maxRunningAsks) {
      if (id === undefined) this.#line.onIgnored(`${what}, as too many requests are running`, true);
      else this.#answer(id, refusal('overloaded', 'too many requests of this client are running', true));
      return;
    }
    const ask: Ask = { id, controller: new AbortController() };
    this.#running.add(ask);
    void work(ask.controller.signal).then((reply) => {
      this.#running.delete(ask);
      this.#answer(ask.id, reply);
    });
  }

  #answer(id: number | undefined, reply: WireReply): void {
    if (id !== undefined) this.#options.reply(id, reply);
  }
}

/** An answer that comes behind the one before it. Neither rejects. */
async function inTurn(answer: boolean | Promise<boolean>, before: Promise<boolean> | undefined): Promise<boolean> {
  await before;
  return answer;
}

function giveUp(ask: Ask): void {
  ask.id = undefined;
  ask.controller.abort();
}
