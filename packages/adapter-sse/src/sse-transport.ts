import type { IncomingMessage, ServerResponse } from 'node:http';
import { HexbusError } from '@hexbus/core';
import type { Transport, TransportHost } from '@hexbus/core/gateway';
import { takeRequests } from './guest.ts';
import { pathOf, type SseRequest, type SseResponse } from './http.ts';
import { type ProgramServer, resolveSseOptions, type SseSettings, type SseTransportOptions } from './options.ts';
import { OwnServer } from './own-server.ts';
import { Reception } from './reception.ts';

export interface SseTransport extends Transport {
  /** Where clients can connect; undefined while nobody listens, and where the program mounts `handler`. */
  readonly port: number | undefined;
  /**
   * Answers one request, whatever its path is: for a route of the program, which lets GET, POST and OPTIONS through and leaves the body unread.
   * Sends clients away, to come back later, while the transport is not open.
   */
  readonly handler: (request: SseRequest, response: SseResponse) => void;
}

/** Takes event streams on a server of the program, on one of its own, or where the program mounts it. Throws `HEXBUS_CONFIG` for options that do not fit. */
export function createSseTransport(options: SseTransportOptions = {}): SseTransport {
  return new EventStreamTransport(resolveSseOptions(options));
}

class EventStreamTransport implements SseTransport {
  readonly name = 'sse';
  readonly #settings: SseSettings;
  readonly #reception: Reception;
  #own: OwnServer | undefined;
  /** Whose requests are answered, while they are. */
  #server: ProgramServer | undefined;
  /** Of a server of the program: gives the path back. */
  #giveBack: () => void = () => {};
  #opening: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #hostClosed: AbortSignal | undefined;

  constructor(settings: SseSettings) {
    this.#settings = settings;
    this.#reception = new Reception(settings);
  }

  get port(): number | undefined {
    const address = this.#server?.address();
    return typeof address === 'object' ? address?.port : undefined;
  }

  readonly handler = (request: SseRequest, response: SseResponse): void => this.#reception.take(request, response);

  /** Of a server whose every request is seen here. */
  readonly #take = (request: IncomingMessage, response: ServerResponse): boolean => {
    this.#reception.see(request, response);
    if (pathOf(request) !== this.#settings.path) return false;
    this.#reception.take(request, response);
    return true;
  };

  open(host: TransportHost): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(closedError());
    if (this.#opening !== undefined) {
      return Promise.reject(new HexbusError('HEXBUS_CONFIG', 'the transport was opened before; make another'));
    }
    this.#reception.open(host);
    this.#opening = this.#listen();
    this.#hostClosed = host.closed;
    return this.#opening;
  }

  drain(): void {
    this.#reception.drain();
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #listen(): Promise<void> {
    const { place } = this.#settings;
    if (place !== undefined && 'port' in place) {
      this.#own = new OwnServer({ ...this.#settings, ...place }, this.#take);
      this.#server = this.#own.server;
      await this.#own.listen();
    } else if (place !== undefined) {
      this.#server = place.server;
      this.#giveBack = takeRequests(place.server, this.#take);
    }
    if (this.#closing !== undefined) throw closedError();
  }

  async #end(): Promise<void> {
    this.#reception.drain();
    await this.#opening?.catch(() => {});
    await this.#reception.close();
    this.#server = undefined;
    await this.#own?.close();
    if (this.#hostClosed?.aborted === false) this.#hostClosed.addEventListener('abort', this.#giveBack);
    else this.#giveBack();
  }
}

function closedError(): HexbusError {
  return new HexbusError('HEXBUS_CLOSED', 'the transport was closed; make another');
}
