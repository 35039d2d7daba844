import type {
  Admission,
  Carrier,
  CarrierListener,
  Frame,
  Handshake,
  Transport,
  TransportHost,
} from '@hexbus/core/gateway';

/** A connection that goes one way, as its client sees it. */
export interface Stream {
  readonly answer: Promise<Admission>;
  /** Frames have come, or it is over. */
  readonly begun: Promise<void>;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  /** The frames since the last call. */
  take(): readonly Frame[];
  /** As a client that goes. */
  cut(): void;
  /** As a client that should say nothing. */
  say(text: string): void;
}

/** A transport named `sse` that carries whole frames, at once, and only from the server. */
export interface StreamTransport extends Transport {
  /** Of the gateway that opened it. */
  readonly host: TransportHost;
  /** How many streams stand. */
  readonly count: number;
  connect(handshake?: Partial<Handshake>, signal?: AbortSignal): Stream;
}

const defaultHandshake: Handshake = { transport: 'sse', url: '/', headers: {}, address: '192.0.2.7', protocols: [] };

export function createStreamTransport(): StreamTransport {
  const standing = new Set<() => void>();
  let host: TransportHost | undefined;

  function connect(given: Partial<Handshake> = {}, signal = new AbortController().signal): Stream {
    const handshake = { ...defaultHandshake, ...given };
    const frames: Frame[] = [];
    let listener: CarrierListener | undefined;
    let isOver = false;
    let closed: (end: { code: number; reason: string }) => void = () => undefined;
    const end = new Promise<{ code: number; reason: string }>((resolve) => {
      closed = resolve;
    });
    let begin = (): void => undefined;
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const finish = (code: number, reason: string): void => {
      if (isOver) return;
      isOver = true;
      standing.delete(cut);
      closed({ code, reason });
      begin();
      // A listener is never called inside of a call of its carrier.
      queueMicrotask(() => listener?.closed(code, reason));
    };
    const cut = (): void => finish(1006, '');

    const carrierOf = (protocol: string): Carrier => ({
      handshake,
      protocol,
      bufferedBytes: 0,
      send(batch) {
        if (isOver) return 'closed';
        frames.push(...batch.frames);
        begin();
        return 'sent';
      },
      pause: () => undefined,
      resume: () => undefined,
      close: finish,
      terminate: cut,
    });

    const answer = open().admit(handshake, signal);
    void answer.then((admission) => {
      if (!admission.accepted) finish(1006, admission.reason);
      else if (isOver) admission.abandon();
      else {
        standing.add(cut);
        listener = admission.connect(carrierOf(admission.protocol));
      }
    });
    return { answer, begun, closed: end, take: () => frames.splice(0), cut, say: (text) => listener?.received(text) };
  }

  function open(): TransportHost {
    if (host === undefined) throw new Error('the transport was not opened');
    return host;
  }

  return {
    name: 'sse',
    get host() {
      return open();
    },
    get count() {
      return standing.size;
    },
    connect,
    async open(given) {
      host = given;
    },
    drain: () => undefined,
    async close() {
      for (const cut of [...standing]) cut();
    },
  };
}
