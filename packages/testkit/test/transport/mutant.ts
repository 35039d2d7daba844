import type { Admission, Carrier, CarrierListener, Transport, TransportHost } from '@hexbus/core/gateway';
import { createMemoryTransport, type MemoryTransport } from '@hexbus/testkit';

export type Accepted = Extract<Admission, { accepted: true }>;

/** A transport in memory with one fault, and the rule that must catch it. */
export interface TransportMutant {
  readonly fault: string;
  readonly rule: string;
  /** Changes the transport, what it makes of its host, its carriers, or what their listeners are told. */
  readonly transport?: (transport: MemoryTransport) => Partial<Transport>;
  readonly host?: (host: TransportHost) => TransportHost;
  readonly carrier?: (carrier: Carrier, listener: () => CarrierListener) => Partial<Carrier>;
  readonly listener?: (listener: CarrierListener, carrier: Carrier) => Partial<CarrierListener>;
}

/** The same object with some members replaced; accessors stay what they are. */
function altered<T extends object>(object: T, changes: Partial<T>): T {
  return new Proxy(object, {
    get(target, key) {
      const owner = key in changes ? (changes as T) : target;
      const value: unknown = Reflect.get(owner, key, owner);
      return typeof value === 'function' ? value.bind(owner) : value;
    },
  });
}

function alteredAdmission(
  accepted: Accepted,
  { carrier: carrierOf, listener: listenerOf }: TransportMutant,
): Admission {
  return {
    ...accepted,
    connect(carrier) {
      let inner: CarrierListener = { received() {}, drained() {}, closed() {} };
      inner = accepted.connect(altered(carrier, carrierOf?.(carrier, () => inner) ?? {}));
      return altered(inner, listenerOf?.(inner, carrier) ?? {});
    },
  };
}

export function createMutant(mutant: TransportMutant): MemoryTransport {
  const transport = createMemoryTransport();
  const changes = mutant.transport?.(transport) ?? {};
  return altered(transport, {
    open(host) {
      const carriers: TransportHost = {
        ...host,
        async admit(handshake, signal) {
          const admission = await host.admit(handshake, signal);
          return admission.accepted ? alteredAdmission(admission, mutant) : admission;
        },
      };
      return transport.open(mutant.host?.(carriers) ?? carriers);
    },
    ...changes,
  });
}

/** A host whose yes is changed. */
export function admitting(change: (admission: Accepted, signal: AbortSignal) => Admission) {
  return (host: TransportHost): TransportHost => ({
    ...host,
    async admit(handshake, signal) {
      const admission = await host.admit(handshake, signal);
      return admission.accepted ? change(admission, signal) : admission;
    },
  });
}
