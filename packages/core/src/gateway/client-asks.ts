import type { WireReply } from '../ports/protocol.ts';
import type { ConnectionInfo } from './api.ts';
import type { GatewayParts } from './parts.ts';
import type { Rights } from './rights.ts';
import { refusal, wireErrorOf } from './wire-errors.ts';

export interface ClientAsksOptions {
  readonly parts: GatewayParts;
  readonly info: ConnectionInfo;
  readonly rights: Rights;
  /** Answers the client. */
  readonly reply: (id: number, reply: WireReply) => void;
  /** There is no room for what nobody waits for. */
  readonly onDropped: (what: string) => void;
  readonly onError: (error: unknown) => void;
}

/** A message as a client wants it published. */
export interface ClientMessage {
  readonly topic: string;
  readonly type?: string;
  readonly body: unknown;
  readonly messageId?: string;
}

/**
 * What one client asks of the server: each request runs by itself, and at most so many at once; more are refused, since what they wait for may be said
 * after them. What it publishes keeps the order of its calls.
 */
export class ClientAsks {
  readonly #options: ClientAsksOptions;
  readonly #running = new Set<AbortController>();
  readonly #byId = new Map<number, AbortController>();
  /** Whether the last message may be published, once that is known of all before it too. */
  #lastVerdict: Promise<boolean> | undefined;
  #ended = false;

  constructor(options: ClientAsksOptions) {
    this.#options = options;
  }

  /** Without an id nobody waits for the answer. */
  ask(name: string, body: unknown, id: number | undefined): void {
    const { parts, info, onError } = this.#options;
    const handler = parts.handlers.get(name);
    if (handler === undefined) {
      this.#answer(id, refusal('no-handler', 'the server has no handler of this name'));
      return;
    }
    this.#run(id, `a notification ${name}`, async (signal) => {
      try {
        return { ok: true, body: (await handler(body, { connection: info, signal })) ?? null };
      } catch (error) {
        onError(error);
        return refusal('remote-error', 'the handler failed');
      }
    });
  }

  publish(id: number, { topic, type, body, messageId }: ClientMessage): void {
    const { parts, info, rights } = this.#options;
    this.#run(id, 'a message', async (signal) => {
      this.#lastVerdict = inTurn(rights.allows('publish', topic), this.#lastVerdict);
      if (!(await this.#lastVerdict)) return refusal('forbidden', 'publishing to this topic is not allowed');
      try {
        const sender = info.identity.userId;
        return { ok: true, body: await parts.bus.publish(topic, body, { id: messageId, type, sender, signal }) };
      } catch (error) {
        return { ok: false, error: wireErrorOf(error) };
      }
    });
  }

  /** The client does not want the answer any more. */
  cancel(id: number): void {
    const running = this.#byId.get(id);
    this.#byId.delete(id);
    running?.abort();
  }

  /** The client is gone: what runs is told by its signal, and answers nobody. */
  end(): void {
    this.#ended = true;
    this.#byId.clear();
    for (const running of this.#running) running.abort();
  }

  #run(id: number | undefined, what: string, work: (signal: AbortSignal) => Promise<WireReply>): void {
    const { parts, onDropped } = this.#options;
    if (this.#running.size >= parts.settings.limits.maxRunningAsks) {
      if (id === undefined) onDropped(`${what}, as too many requests are running`);
      else this.#answer(id, refusal('overloaded', 'too many requests of this client are running', true));
      return;
    }
    const controller = new AbortController();
    this.#running.add(controller);
    if (id !== undefined) this.#byId.set(id, controller);
    void work(controller.signal).then((reply) => {
      this.#running.delete(controller);
      if (this.#ended || id === undefined || this.#byId.get(id) !== controller) return;
      this.#byId.delete(id);
      this.#answer(id, reply);
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
