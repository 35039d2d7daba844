import { type Clock, systemClock, systemRandomness } from '@hexbus/core';
import type { TransportHost } from '@hexbus/core/gateway';
import { KnownKeys } from './known-keys.ts';
import { isSameSecret, type LinkKey, nameOf } from './link-key.ts';
import { sseDefaults } from './options.ts';
import type { Post } from './post.ts';
import type { SseCarrier } from './sse-carrier.ts';
import { Uplink } from './uplink.ts';

/** What is to be done on a link: see whether the key fits and which POST this number is, take a POST, or end it, since the client sent too much at once. */
export type Command = { readonly check: number } | { readonly post: Post } | { readonly tooLong: true };

/** The HTTP status that says what became of a command. 100: it is the next POST. */
export type CommandStatus = 100 | 202 | 403 | 409 | 413 | 503;

interface Held {
  readonly secret: string;
  readonly carrier: SseCarrier;
  readonly uplink: Uplink;
}

/** What nodes tell each other about a POST that came to the wrong one. `waits`: it is still under way, so ask again. */
type RelayAnswer = { readonly status: CommandStatus } | { readonly waits: true };

/** The links of this node, and the way to those of others. */
export class Links {
  readonly #host: TransportHost;
  readonly #clock: Clock;
  readonly #held = new Map<string, Held>();
  /** Of links that other nodes hold. */
  readonly #known = new KnownKeys(sseDefaults.maxKnownKeys);
  /** What ends the reading of a POST, for each link of which one is read here. */
  readonly #reading = new Map<string, () => void>();

  constructor(host: TransportHost, clock: Clock = systemClock) {
    this.#host = host;
    this.#clock = clock;
    host.onRelayed(async (text) => JSON.stringify(await this.#answer(text)));
  }

  create(): LinkKey {
    return { node: this.#host.node, id: systemRandomness.id(), secret: systemRandomness.id() };
  }

  /** As long as the carrier lives. `texts`: what came with the opening. */
  hold({ id, secret }: LinkKey, carrier: SseCarrier, texts: readonly string[]): void {
    this.#held.set(id, { secret, carrier, uplink: new Uplink(carrier, texts) });
    void carrier.gone.then(() => this.#held.delete(id));
  }

  /** What to answer to a POST of this number, or 100: only then its body, which strangers may send as well, is to be read. */
  async expects(key: LinkKey, sequence: number, signal: AbortSignal): Promise<CommandStatus> {
    const taken = this.#known.takenOf(key);
    if (taken === undefined || sequence > taken + 1) return this.run(key, { check: sequence }, signal);
    return sequence === taken + 1 ? 100 : 202;
  }

  /** Of each link one POST is read at a time, the one that came last: `end` is called when there is another. Returns what to call when it was read. */
  read(key: LinkKey, end: () => void): () => void {
    const name = nameOf(key);
    this.#reading.get(name)?.();
    this.#reading.set(name, end);
    return () => {
      if (this.#reading.get(name) === end) this.#reading.delete(name);
    };
  }

  /**
   * Has it done where the carrier is. Settles when the carrier has taken it, as late as that may be, when a repeat waits in its place, or when nobody
   * wants to know any more.
   */
  async run(key: LinkKey, command: Command, signal: AbortSignal): Promise<CommandStatus> {
    if (key.node === this.#host.node) return this.#runHere(key, command, signal).then(orGone);
    const text = JSON.stringify({ ...key, ...command });
    const ask = () => this.#host.relay(key.node, text, { timeoutMs: sseDefaults.relayTimeoutMs });
    let answer: RelayAnswer = { waits: true };
    while ('waits' in answer) answer = readAnswer(await until(ask(), signal));
    const { status } = answer;
    this.#learn(key, command, status);
    return status;
  }

  #learn(key: LinkKey, command: Command, status: CommandStatus): void {
    if (status === 403 || status === 409) this.#known.delete(key);
    else if ('post' in command && status === 202) this.#known.add(key, command.post.sequence);
    else if ('check' in command && status === 202) this.#known.add(key, command.check);
    else if ('check' in command && status === 100) this.#known.add(key, command.check - 1);
  }

  /** Undefined: it was waited for no longer. */
  async #runHere(key: LinkKey, command: Command, signal: AbortSignal): Promise<CommandStatus | undefined> {
    const held = this.#find(key);
    if (typeof held === 'number') return held;
    if ('check' in command) return held.uplink.expects(command.check);
    if ('post' in command) return until(held.uplink.post(command.post), signal);
    held.carrier.close(1009, 'too much in one message');
    return 413;
  }

  /** By id and secret alone, whatever node the key names: who asks for it here came by a relay or named this one. */
  #find({ id, secret }: LinkKey): Held | 403 | 409 {
    const held = this.#held.get(id);
    if (held === undefined) return 409;
    return isSameSecret(secret, held.secret) ? held : 403;
  }

  /** What came is not held while it waits: whoever asks again brings it again. */
  #answer(text: string): Promise<RelayAnswer> {
    const command = JSON.parse(text) as LinkKey & Command;
    const patience = new AbortController();
    const cancel = this.#clock.setTimer(() => patience.abort(), sseDefaults.relayTimeoutMs / 2);
    return this.#runHere(command, command, patience.signal).then((status) => {
      cancel();
      return status === undefined ? { waits: true } : { status };
    });
  }
}

/** A status that nobody waits for any more. */
function orGone(status: CommandStatus = 409): CommandStatus {
  return status;
}

/** Waits no longer than somebody wants to know: then undefined. */
function until<T>(settled: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve) => {
    const leave = (): void => resolve(undefined);
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave);
    void settled.then((value) => {
      signal.removeEventListener('abort', leave);
      resolve(value);
    });
  });
}

/** No answer, or none that makes sense: the node is gone, and so is the link. */
function readAnswer(text = 'null'): RelayAnswer {
  const gone: RelayAnswer = { status: 409 };
  try {
    const told = JSON.parse(text) as Partial<{ status: CommandStatus; waits: true }> | null;
    if (told?.waits === true) return { waits: true };
    return told?.status !== undefined && statuses.includes(told.status) ? { status: told.status } : gone;
  } catch {
    return gone;
  }
}

const statuses: readonly CommandStatus[] = [100, 202, 403, 409, 413, 503];
