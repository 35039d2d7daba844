import { patternsOverlap } from '../../pattern.ts';
import type { WireReply } from '../../ports/protocol.ts';
import type { Rights } from '../admission/rights.ts';
import type { ConnectionInfo } from '../api.ts';
import type { ClientLine } from '../connection/client-line.ts';
import { notAllowed, refusal, wireErrorOf } from './wire-errors.ts';

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

/** The answer of a message that the bus was given, or that was refused. */
interface Given {
  readonly reply: Promise<WireReply>;
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
  /** The last message that it wants published, given to the bus behind all before it. */
  #lastGiven: Promise<Given> | undefined;
  /** What the bus was given and has not confirmed, with its topic. */
  readonly #publishing = new Map<Promise<WireReply>, string>();

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

  publish(id: number, message: ClientMessage): void {
    this.#run(id, 'a message', async (signal) => {
      const given = this.#give(message, signal, this.#lastGiven);
      this.#lastGiven = given;
      return (await given).reply;
    });
  }

  /** Resolves when nothing is under way any more that the bus was given before, of a topic or of all. */
  async published(topic: string | undefined): Promise<void> {
    const concerned = [...this.#publishing].filter(([, other]) => topic === undefined || patternsOverlap(topic, other));
    await Promise.all(concerned.map(([reply]) => reply));
  }

  /** The client does not want the answer any more. */
  cancel(id: number): void {
    for (const ask of this.#running) if (ask.id === id) giveUp(ask);
  }

  /** The client is gone: what runs is told by its signal, and answers nobody. */
  end(): void {
    for (const ask of this.#running) giveUp(ask);
  }

  /** Gives a message to the bus, if it may be published when its turn has come. */
  async #give(message: ClientMessage, signal: AbortSignal, before: Promise<Given> | undefined): Promise<Given> {
    const { rights } = this.#options;
    const { topic } = message;
    for (;;) {
      const { revocations } = rights;
      const verdict = await rights.of('publish', topic);
      await before;
      if (revocations !== rights.revocations) continue;
      const reply =
        verdict === 'allowed'
          ? this.#publish(message, signal)
          : Promise.resolve<WireReply>({ ok: false, error: notAllowed(verdict, 'publishing to') });
      this.#publishing.set(reply, topic);
      void reply.then(() => this.#publishing.delete(reply));
      return { reply };
    }
  }

  async #publish({ topic, type, body, messageId }: ClientMessage, signal: AbortSignal): Promise<WireReply> {
    const sender = this.#options.info.identity.userId;
    try {
      return {
        ok: true,
        body: await this.#line.parts.bus.publish(topic, body, { id: messageId, type, sender, signal }),
      };
    } catch (error) {
      return { ok: false, error: wireErrorOf(error) };
    }
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

function giveUp(ask: Ask): void {
  ask.id = undefined;
  ask.controller.abort();
}
