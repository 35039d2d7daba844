import type { Hello, ProtocolHost } from '../ports/protocol.ts';
import { closeCodes } from './close-codes.ts';
import { type ClientFrame, decodeClientFrame } from './decode-client-frame.ts';
import { wireLimits } from './frames.ts';

/** Turns the frames of one client into calls of its host. After a violation it hears nothing more. */
export class ClientReader {
  readonly #host: ProtocolHost;
  /** Ids of the client that are open: answered or ended, they are forgotten. */
  readonly #open = new Map<number, 'subscription' | 'request'>();
  /** What ends an id up to this one may have crossed with its answer. */
  #highestId = 0;
  #state: 'new' | 'greeted' | 'broken' = 'new';

  constructor(host: ProtocolHost) {
    this.#host = host;
  }

  receive(text: string): void {
    if (this.#state === 'broken') return;
    // A text has no fewer bytes than this. Transports bound it before, in their own way.
    if (text.length > wireLimits.maxFrameBytes) {
      this.#violate(closeCodes.tooBig, `a frame has at most ${wireLimits.maxFrameBytes} bytes`);
      return;
    }
    const frame = decodeClientFrame(text);
    if (frame.kind === 'violation') this.#violate(frame.code, frame.reason);
    else if (frame.kind === 'hello') this.#greet(frame.hello);
    else if (this.#state === 'new') this.#violate(closeCodes.helloMissing, 'the first frame is HELLO');
    else this.#take(frame);
  }

  /** The host answered a request, or refused or ended a subscription. */
  settled(id: number): void {
    this.#open.delete(id);
  }

  #greet(hello: Hello): void {
    if (this.#state !== 'new') {
      this.#violate(closeCodes.duplicateId, 'HELLO is said once');
      return;
    }
    for (const { id } of hello.subscriptions) if (!this.#opens('subscription', id)) return;
    this.#state = 'greeted';
    this.#host.hello(hello);
  }

  #take(frame: Exclude<ClientFrame, { kind: 'violation' | 'hello' }>): void {
    const host = this.#host;
    switch (frame.kind) {
      case 'subscribe':
        if (this.#opens('subscription', frame.subscription.id)) host.subscribe(frame.subscription);
        break;
      case 'unsubscribe':
        if (this.#ends('subscription', frame.id)) host.unsubscribe(frame.id);
        else host.ignored('UNSUB of a subscription that is not there', frame.id <= this.#highestId);
        break;
      case 'ask':
        if (frame.id === undefined) host.ask(frame.name, frame.body);
        else if (this.#opens('request', frame.id)) host.ask(frame.name, frame.body, frame.id);
        break;
      case 'publish':
        if (this.#opens('request', frame.id)) host.publish(frame.id, frame.message);
        break;
      case 'authenticate':
        if (this.#opens('request', frame.id)) host.authenticate(frame.id, frame.token);
        break;
      case 'cancel':
        if (this.#ends('request', frame.id)) host.cancel(frame.id);
        else host.ignored('CANCEL of a request that is not open', frame.id <= this.#highestId);
        break;
      case 'reply':
        host.reply(frame.id, frame.reply);
        break;
      case 'acknowledge':
        host.acknowledge(frame.token);
        break;
      case 'ping':
        host.ping();
        break;
      case 'pong':
        break;
      case 'unknown':
        host.ignored(`frame ${frame.type}, which is not known`);
        break;
    }
  }

  #opens(kind: 'subscription' | 'request', id: number): boolean {
    if (this.#open.has(id)) {
      this.#violate(closeCodes.duplicateId, `id ${id} is in use`);
      return false;
    }
    this.#open.set(id, kind);
    this.#highestId = Math.max(this.#highestId, id);
    return true;
  }

  #ends(kind: 'subscription' | 'request', id: number): boolean {
    return this.#open.get(id) === kind && this.#open.delete(id);
  }

  #violate(code: number, reason: string): void {
    this.#state = 'broken';
    this.#host.violated(code, reason);
  }
}
