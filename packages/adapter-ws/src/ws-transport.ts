import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { HexbusError } from '@hexbus/core';
import {
  type Admission,
  type Handshake,
  isOriginAllowed,
  type Transport,
  type TransportHost,
} from '@hexbus/core/gateway';
import { WebSocketServer } from 'ws';
import { faultOf, handshakeOf, pathOf } from './handshake.ts';
import { Knock, type Refusal } from './knock.ts';
import {
  type ProgramServer,
  resolveWsOptions,
  type WsSettings,
  type WsTransportOptions,
  wsDefaults,
} from './options.ts';
import { OwnServer } from './own-server.ts';
import { WsCarrier } from './ws-carrier.ts';

export interface WsTransport extends Transport {
  /** Where clients can connect; undefined while nobody listens. */
  readonly port: number | undefined;
}

/** Takes WebSockets on a server of the program, or on one of its own. Throws `HEXBUS_CONFIG` for options that do not fit. */
export function createWsTransport(options: WsTransportOptions): WsTransport {
  return new WebSocketTransport(resolveWsOptions(options));
}

type Accepted = Extract<Admission, { accepted: true }>;

class WebSocketTransport implements WsTransport {
  readonly name = 'ws';
  readonly #settings: WsSettings;
  readonly #acceptor: WebSocketServer;
  /** Which protocol was agreed on, for the acceptor to ask. */
  readonly #agreed = new WeakMap<IncomingMessage, string>();
  readonly #knocks = new Set<Knock>();
  readonly #carriers = new Set<WsCarrier>();
  #own: OwnServer | undefined;
  /** Whose upgrades are answered, while they are. */
  #server: ProgramServer | undefined;
  #host: TransportHost | undefined;
  #opening: Promise<void> | undefined;
  #draining = false;
  #closing: Promise<void> | undefined;

  constructor(settings: WsSettings) {
    this.#settings = settings;
    // A variable, since the published types do not know closeTimeout yet.
    const options = {
      noServer: true,
      clientTracking: false,
      maxPayload: settings.maxMessageBytes,
      closeTimeout: settings.closeTimeoutMs,
      handleProtocols: (_: Set<string>, request: IncomingMessage) => this.#agreed.get(request) ?? false,
      perMessageDeflate: settings.perMessageDeflate && {
        threshold: 1024,
        concurrencyLimit: 10,
        // A context that is kept costs some hundred kilobytes for each connection.
        serverNoContextTakeover: true,
        clientNoContextTakeover: true,
      },
    };
    this.#acceptor = new WebSocketServer(options);
  }

  get port(): number | undefined {
    const address = this.#server?.address();
    return typeof address === 'object' ? address?.port : undefined;
  }

  open(host: TransportHost): Promise<void> {
    if (this.#closing !== undefined) return Promise.reject(closedError());
    if (this.#opening !== undefined) {
      return Promise.reject(new HexbusError('HEXBUS_CONFIG', 'the transport was opened before; make another'));
    }
    this.#host = host;
    this.#opening = this.#listen();
    return this.#opening;
  }

  drain(): void {
    this.#draining = true;
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #listen(): Promise<void> {
    const { place } = this.#settings;
    if ('port' in place) this.#own = new OwnServer({ ...this.#settings, ...place });
    this.#server = 'server' in place ? place.server : this.#own?.server;
    this.#server?.on('upgrade', this.#upgrade);
    await this.#own?.listen();
    if (this.#closing !== undefined) throw closedError();
  }

  async #end(): Promise<void> {
    await this.#opening?.catch(() => {});
    this.#server?.off('upgrade', this.#upgrade);
    this.#server = undefined;
    for (const knock of this.#knocks) knock.drop();
    const carriers = [...this.#carriers];
    for (const carrier of carriers) carrier.terminate();
    await Promise.all(carriers.map(({ gone }) => gone));
    await this.#own?.close();
  }

  readonly #upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    if (pathOf(request) !== this.#settings.path) {
      // On a server of somebody else's, it is for somebody else.
      if (this.#own !== undefined) new Knock(socket, head).refuse({ status: 404, reason: 'not found' });
      return;
    }
    const knock = new Knock(socket, head);
    const refusal = this.#refusalOf(request);
    if (refusal !== undefined) knock.refuse(refusal);
    else {
      void this.#admit(knock, request).catch((error: unknown) => {
        this.#host?.error(error);
        knock.drop();
      });
    }
  };

  #refusalOf(request: IncomingMessage): Refusal | undefined {
    if (this.#draining || this.#closing !== undefined) return drainingRefusal;
    const fault = faultOf(request);
    if (fault !== undefined) return { status: 400, reason: fault };
    const { origin, host } = request.headers;
    if (isOriginAllowed(origin, host, this.#settings.origins)) return undefined;
    return { status: 403, reason: 'this origin is not allowed' };
  }

  async #admit(knock: Knock, request: IncomingMessage): Promise<void> {
    const host = this.#host;
    if (host === undefined) return;
    const handshake = this.#handshakeOf(request, host);
    if (handshake === undefined) return knock.refuse(failedRefusal);
    this.#knocks.add(knock);
    const admission = await host.admit(handshake, knock.signal).finally(() => this.#knocks.delete(knock));
    if (!admission.accepted) return knock.refuse(admission);
    let isConnected = false;
    try {
      isConnected = this.#connect(admission, handshake, knock, request);
    } finally {
      if (!isConnected) admission.abandon();
    }
  }

  /** Undefined: the program could not tell the client's address. */
  #handshakeOf(request: IncomingMessage, host: TransportHost): Handshake | undefined {
    try {
      return handshakeOf(request, this.#settings);
    } catch (error) {
      host.error(error);
      return undefined;
    }
  }

  #connect(admission: Accepted, handshake: Handshake, knock: Knock, request: IncomingMessage): boolean {
    const { protocol } = admission;
    if (this.#draining || this.#closing !== undefined) knock.refuse(drainingRefusal);
    else if (handshake.protocols.length > 0 && !handshake.protocols.includes(protocol)) {
      knock.refuse({ status: 400, reason: 'no common protocol' });
    }
    if (knock.signal.aborted) return false;
    this.#agreed.set(request, protocol);
    let connected = false;
    // ws answers at once: with 101, or with an error that only it knows of, such as a malformed extension.
    this.#acceptor.handleUpgrade(request, knock.socket, knock.release(), (ws) => {
      connected = true;
      const carrier = new WsCarrier(ws, knock.socket, handshake, protocol);
      this.#carriers.add(carrier);
      carrier.start((carrier) => admission.connect(carrier), this.#forget);
    });
    return connected;
  }

  /** One for all carriers, so that nothing of the handshake lives as long as they do. */
  readonly #forget = (carrier: WsCarrier): void => void this.#carriers.delete(carrier);
}

const drainingRefusal: Refusal = {
  status: 503,
  reason: 'the server is going down',
  retryAfterMs: wsDefaults.drainRetryAfterMs,
};
const failedRefusal: Refusal = { ...drainingRefusal, reason: 'the server failed' };

function closedError(): HexbusError {
  return new HexbusError('HEXBUS_CLOSED', 'the transport was closed; make another');
}
