import type { Admission, Carrier, CarrierListener, Handshake, Transport, TransportHost } from '@hexbus/core/gateway';
import { cableParameter } from '../shared/messages.ts';
import { urlOf } from './url.ts';

/**
 * What lies between the transports and the gateway, and can be cut: a tab names its cable in the address at which it connects. Cutting is without a
 * word to either side, as by a lost network.
 */
export class Cables {
  readonly #carriers = new Map<Carrier, string | undefined>();
  /** Until when cables are cut, in milliseconds since 1970. */
  readonly #cutUntil = new Map<string, number>();

  /** The same transport, but that its carriers are led through here. */
  lead(transport: Transport): Transport {
    return {
      name: transport.name,
      open: (host) => transport.open(this.#between(host)),
      drain: () => transport.drain(),
      close: () => transport.close(),
    };
  }

  /** Ends what the cable carries, and lets nothing through for so long. */
  cut(cable: string, forMs: number): void {
    this.#cutUntil.set(cable, Date.now() + forMs);
    for (const [carrier, carriedBy] of this.#carriers) if (carriedBy === cable) carrier.terminate();
  }

  #between(host: TransportHost): TransportHost {
    return {
      node: host.node,
      admit: (handshake, signal) => this.#admit(host, handshake, signal),
      relay: (node, text, options) => host.relay(node, text, options),
      onRelayed: (answer) => host.onRelayed(answer),
      error: (cause) => host.error(cause),
      closed: host.closed,
    };
  }

  async #admit(host: TransportHost, handshake: Handshake, signal: AbortSignal): Promise<Admission> {
    const cable = cableOf(handshake);
    const leftMs = (this.#cutUntil.get(cable ?? '') ?? 0) - Date.now();
    if (leftMs > 0) return { accepted: false, status: 503, reason: 'the cable is cut', retryAfterMs: leftMs };
    this.#cutUntil.delete(cable ?? '');
    const admission = await host.admit(handshake, signal);
    if (!admission.accepted) return admission;
    return { ...admission, connect: (carrier) => this.#carry(carrier, cable, admission.connect(carrier)) };
  }

  #carry(carrier: Carrier, cable: string | undefined, listener: CarrierListener): CarrierListener {
    this.#carriers.set(carrier, cable);
    return {
      received: (text) => listener.received(text),
      drained: () => listener.drained(),
      closed: (code, reason) => {
        this.#carriers.delete(carrier);
        listener.closed(code, reason);
      },
    };
  }
}

/** The cable that a tab came by. */
export function cableOf({ url }: Handshake): string | undefined {
  return urlOf(url)?.searchParams.get(cableParameter) ?? undefined;
}
