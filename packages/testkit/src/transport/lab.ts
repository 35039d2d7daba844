import { systemClock } from '@hexbus/core';
import type { Admission, Carrier, Transport, TransportHost } from '@hexbus/core/gateway';
import { check, checkSame } from '../support/check.ts';
import type { ConnectOptions, TransportAdapter } from './adapter.ts';
import type { TransportClient } from './client.ts';
import { createFrameBatch } from './frame-batch.ts';
import { Patience } from './patience.ts';
import { Visit } from './visit.ts';

/** Both ends of a link that stands. */
export interface Link {
  readonly client: TransportClient;
  readonly visit: Visit;
  readonly carrier: Carrier;
}

/** Where the checks find a transport, its clients and its host, which lets everybody in unless it is told otherwise. */
export class TransportLab {
  readonly visits: Visit[] = [];
  readonly patience: Patience;
  readonly adapter: TransportAdapter;
  answer: (visit: Visit) => Admission | Promise<Admission> = accept;
  readonly host: TransportHost = {
    node: 'lab',
    relay: async () => undefined,
    onRelayed: () => {},
    closed: AbortSignal.abort(),
    error: (cause) => void this.#failures.push(cause),
    admit: async (handshake, signal) => {
      const visit = new Visit(handshake, signal, this.patience);
      this.visits.push(visit);
      signal.addEventListener('abort', () => this.patience.look());
      this.patience.look();
      return this.answer(visit);
    },
  };
  readonly #failures: unknown[] = [];
  readonly #transports: Transport[] = [];

  constructor(adapter: TransportAdapter) {
    this.adapter = adapter;
    this.patience = new Patience(adapter.patienceMs ?? 10_000);
  }

  async create(): Promise<Transport> {
    const transport = await this.adapter.create();
    this.#transports.push(transport);
    return transport;
  }

  async open(): Promise<Transport> {
    const transport = await this.create();
    await transport.open(this.host);
    return transport;
  }

  knock(transport: Transport, options: Partial<ConnectOptions> = {}): TransportClient {
    return this.adapter.connect(transport, { query: '', protocols: ['lab.v1'], headers: {}, ...options });
  }

  /** The visit of the client that knocks next. */
  async visit(): Promise<Visit> {
    const index = this.visits.length;
    await this.patience.until(() => this.visits.length > index, 'the host is asked about a client');
    return this.visits[index] as Visit;
  }

  async link(transport: Transport, options: Partial<ConnectOptions> = {}): Promise<Link> {
    const visiting = this.visit();
    const client = this.knock(transport, options);
    const visit = await visiting;
    const answer = await this.patience.of(client.answer, 'the client is answered');
    check(answer.accepted, `the client should have been let in, but got ${JSON.stringify(answer)}`);
    await this.patience.until(() => visit.connects > 0, 'connect is called');
    return { client, visit, carrier: visit.carrier };
  }

  /** Opens a transport and links one client. */
  async linked(): Promise<Link & { readonly transport: Transport }> {
    const transport = await this.open();
    return { transport, ...(await this.link(transport)) };
  }

  /** Waits until everything that was sent before on this link has arrived, both ways. */
  async roundTrip({ client, visit }: Link): Promise<void> {
    const mark = `mark ${visit.texts.length} ${this.#marks++}`;
    client.send(mark);
    await this.patience.until(() => visit.texts.includes(mark), 'a text of the client is received');
    visit.send(createFrameBatch(mark));
    for (;;) if ((await this.next(client)) === mark) return;
  }
  #marks = 0;

  next(client: TransportClient): Promise<string> {
    return this.patience.of(client.next(), 'the client gets a text');
  }

  ended({ visit }: { readonly visit: Visit }): Promise<void> {
    return this.patience.until(() => visit.ends.length > 0, 'closed is told');
  }

  /** Closes everything, and holds it to what is true of every visit, whatever the rule was about. */
  async end(): Promise<void> {
    for (const transport of this.#transports) await this.patience.of(transport.close(), 'close resolves');
    await this.patience.of(turns(5), 'turns pass');
    checkSame(this.#failures, [], 'what the host was told that failed');
    for (const visit of this.visits) {
      checkSame(visit.faults, [], 'what a listener was told');
      checkSame(visit.ends.length, visit.connects, 'how often a connected client was told closed');
      check(visit.connects + visit.abandons <= 1, 'both connect and abandon were called');
    }
  }

  async dispose(): Promise<void> {
    for (const transport of this.#transports) {
      await transport.close();
      await this.adapter.dispose?.(transport);
    }
  }
}

/** Lets in whoever comes, with the first protocol it offers. */
export function accept(visit: Visit): Admission {
  return visit.accept(visit.handshake.protocols[0] ?? 'lab.v1');
}

/** Lets everything run that is due. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise<void>((resolve) => systemClock.nextTurn(resolve));
}
