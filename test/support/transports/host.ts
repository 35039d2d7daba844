import type { Admission, Carrier, CarrierListener, Handshake, Transport, TransportHost } from '@hexbus/core/gateway';
import { afterEach } from 'vitest';

/** A client that was let in. */
export class Guest implements CarrierListener {
  readonly carrier: Carrier;
  readonly texts: string[] = [];
  drains = 0;
  onText: (text: string) => void = () => {};
  /** Resolves with the code with which it ended. */
  readonly ended: Promise<number>;
  #end: (code: number) => void = () => {};
  #look = (): void => {};
  #whenDrained = (): void => {};

  constructor(carrier: Carrier) {
    this.carrier = carrier;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Resolves when so many texts were received. */
  got(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#look = () => this.texts.length >= count && resolve();
      this.#look();
    });
  }

  received(text: string): void {
    this.texts.push(text);
    this.onText(text);
    this.#look();
  }

  whenDrained(callback: () => void): void {
    this.#whenDrained = callback;
  }

  drained(): void {
    this.drains += 1;
    this.#whenDrained();
  }

  closed(code: number): void {
    this.#end(code);
  }
}

/** A transport that tells where it listens. */
export interface ListeningTransport extends Transport {
  readonly port: number | undefined;
}

export interface Opened<Opens extends ListeningTransport = ListeningTransport> {
  readonly transport: Opens;
  readonly port: number;
  readonly guests: Guest[];
  readonly handshakes: Handshake[];
  readonly abandons: Handshake[];
  /** What the host was told that failed. */
  readonly failures: unknown[];
  /** The next client that is let in. `begin` is called before it is told anything. */
  nextGuest(begin?: (guest: Guest) => void): Promise<Guest>;
}

const transports: Transport[] = [];

/** What a host answers: whether it lets the client in, with which protocol. */
export type Admit = (
  handshake: Handshake,
  signal: AbortSignal,
) => Promise<{ protocol: string } | Extract<Admission, { accepted: false }>>;

/** What a host knows of other nodes. */
export type Cluster = Omit<TransportHost, 'admit' | 'error' | 'closed'>;

const alone: Cluster = { node: 'lab', relay: async () => undefined, onRelayed: () => {} };

export const letIn: Admit = async ({ protocols }) => ({ protocol: protocols[0] ?? 'lab.v1' });

/** Opens a transport. It is closed after the test. */
export async function open<Opens extends ListeningTransport>(
  transport: Opens,
  admit: Admit = letIn,
  cluster: Cluster = alone,
): Promise<Opened<Opens>> {
  transports.push(transport);
  const guests: Guest[] = [];
  const handshakes: Handshake[] = [];
  const abandons: Handshake[] = [];
  const failures: unknown[] = [];
  let arrived: (guest: Guest) => void = () => {};
  await transport.open({
    ...cluster,
    error: (cause) => void failures.push(cause),
    // It has no other transport.
    closed: AbortSignal.abort(),
    async admit(handshake, signal) {
      handshakes.push(handshake);
      const answer = await admit(handshake, signal);
      if (!('protocol' in answer)) return answer;
      return {
        accepted: true,
        protocol: answer.protocol,
        connect(carrier) {
          const guest = new Guest(carrier);
          guests.push(guest);
          arrived(guest);
          return guest;
        },
        abandon: () => void abandons.push(handshake),
      };
    },
  });
  return {
    transport,
    port: transport.port ?? 0,
    guests,
    handshakes,
    abandons,
    failures,
    nextGuest: (begin) =>
      new Promise((resolve) => {
        arrived = (guest) => {
          begin?.(guest);
          resolve(guest);
        };
      }),
  };
}

export function closeAfterEach(): void {
  afterEach(async () => {
    await Promise.all(transports.splice(0).map((transport) => transport.close()));
  });
}
