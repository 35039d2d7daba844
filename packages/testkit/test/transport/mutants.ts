import type { Carrier, FrameBatch, Transport } from '@hexbus/core/gateway';
import { createFrameBatch } from '@hexbus/testkit';
import { admitting, type TransportMutant } from './mutant.ts';

const reversed = (batch: FrameBatch): FrameBatch => createFrameBatch(...batch.frames.map(({ text }) => text).reverse());

const dead: Carrier = {
  handshake: { transport: 'memory', url: '/', headers: {}, address: 'memory', protocols: [] },
  protocol: '',
  bufferedBytes: 0,
  send: () => 'closed',
  pause() {},
  resume() {},
  close() {},
  terminate() {},
};

function closingNothing(): Partial<Transport> {
  const closed = Promise.resolve();
  return { close: () => closed };
}

function sendingToTheFirst(): Pick<TransportMutant, 'transport' | 'carrier'> {
  let first: Carrier | undefined;
  return {
    transport() {
      first = undefined;
      return {};
    },
    carrier(carrier) {
      first ??= carrier;
      const to = first;
      return { send: (batch) => to.send(batch) };
    },
  };
}

function holdingUpAll(): Pick<TransportMutant, 'transport' | 'carrier'> {
  const all = new Set<Carrier>();
  return {
    transport() {
      all.clear();
      return {};
    },
    carrier(carrier) {
      all.add(carrier);
      const isHeldUp = (): boolean => [...all].some((other) => other !== carrier && other.bufferedBytes > 0);
      return { send: (batch) => (isHeldUp() ? 'sent' : carrier.send(batch)) };
    },
  };
}

function forgettingCodes(): Pick<TransportMutant, 'carrier' | 'listener'> {
  const terminated = new WeakSet<Carrier>();
  return {
    carrier: (carrier) => ({
      terminate() {
        terminated.add(carrier);
        carrier.terminate();
      },
    }),
    listener: (listener, carrier) => ({
      closed(code, reason) {
        if (terminated.has(carrier)) listener.closed(1006, '');
        else listener.closed(code, reason);
      },
    }),
  };
}

export const transportMutants: readonly TransportMutant[] = [
  { fault: 'has no name', rule: 'TR-01', transport: () => ({ name: '' }) },
  { fault: 'opens again and again', rule: 'TR-02', transport: () => ({ open: async () => {} }) },
  {
    fault: 'opens after it was closed',
    rule: 'TR-03',
    transport(transport) {
      let closed = false;
      return {
        open: async (host) => (closed ? undefined : transport.open(host)),
        close() {
          closed = true;
          return transport.close();
        },
      };
    },
  },
  {
    fault: 'gives a new promise for each close',
    rule: 'TR-04',
    transport: (transport) => ({ close: async () => transport.close() }),
  },
  {
    fault: 'cannot drain twice',
    rule: 'TR-05',
    transport(transport) {
      let drained = false;
      return {
        drain() {
          if (drained) throw new Error('draining already');
          drained = true;
          transport.drain();
        },
      };
    },
  },
  { fault: 'drains and goes on accepting', rule: 'TR-06', transport: () => ({ drain() {} }) },
  {
    fault: 'is closed before its listeners know',
    rule: 'TR-07',
    listener: (listener) => ({ closed: (code, reason) => void setImmediate(() => listener.closed(code, reason)) }),
  },
  { fault: 'closes and goes on accepting', rule: 'TR-08', transport: closingNothing },
  {
    fault: 'does not abandon whom it dropped',
    rule: 'TR-09',
    host: admitting((admission) => ({ ...admission, abandon() {} })),
  },
  {
    fault: 'connects whom it also abandons',
    rule: 'TR-10',
    host: admitting((admission, signal) => {
      if (signal.aborted) void admission.connect(dead);
      return admission;
    }),
  },
  {
    fault: 'keeps the query to itself',
    rule: 'TR-11',
    host: (host) => ({
      ...host,
      admit: (handshake, signal) => host.admit({ ...handshake, url: handshake.url.split('?')[0] ?? '' }, signal),
    }),
  },
  {
    fault: 'takes the first protocol, whatever the host says',
    rule: 'TR-12',
    host: (host) => ({
      ...host,
      async admit(handshake, signal) {
        const admission = await host.admit(handshake, signal);
        return admission.accepted
          ? { ...admission, protocol: handshake.protocols[0] ?? admission.protocol }
          : admission;
      },
    }),
  },
  {
    fault: 'makes up a protocol for whoever names none',
    rule: 'TR-13',
    host: (host) => ({
      ...host,
      admit: (handshake, signal) =>
        host.admit(
          { ...handshake, protocols: handshake.protocols.length > 0 ? handshake.protocols : ['made.up'] },
          signal,
        ),
    }),
  },
  {
    fault: 'refuses everybody with 403',
    rule: 'TR-14',
    host: (host) => ({
      ...host,
      async admit(handshake, signal) {
        const admission = await host.admit(handshake, signal);
        return admission.accepted ? admission : { ...admission, status: 403 };
      },
    }),
  },
  {
    fault: 'asks about one client after the other',
    rule: 'TR-15',
    host(host) {
      let last: Promise<unknown> = Promise.resolve();
      return {
        ...host,
        admit(handshake, signal) {
          const admission = last.then(() => host.admit(handshake, signal));
          last = admission;
          return admission;
        },
      };
    },
  },
  {
    fault: 'never aborts a signal',
    rule: 'TR-16',
    host: (host) => ({ ...host, admit: (handshake) => host.admit(handshake, new AbortController().signal) }),
  },
  {
    fault: 'forgets about clients that went before they were let in',
    rule: 'TR-17',
    host: admitting((admission, signal) => (signal.aborted ? { ...admission, abandon() {} } : admission)),
  },
  {
    fault: 'trims what it receives',
    rule: 'TR-18',
    listener: (listener) => ({ received: (text) => listener.received(text.trim()) }),
  },
  {
    fault: 'sends the last frame of a batch first',
    rule: 'TR-19',
    carrier: (carrier) => ({ send: (batch) => carrier.send(reversed(batch)) }),
  },
  {
    fault: 'encodes a batch for each receiver',
    rule: 'TR-20',
    carrier: (carrier) => ({
      send(batch) {
        batch.encoded((frames) => frames.length);
        return carrier.send(batch);
      },
    }),
  },
  {
    fault: 'loses what is sent inside connect',
    rule: 'TR-21',
    carrier(carrier) {
      let connected = false;
      queueMicrotask(() => {
        connected = true;
      });
      return { send: (batch) => (connected ? carrier.send(batch) : 'sent') };
    },
  },
  { fault: 'sends to the one before', rule: 'TR-22', ...sendingToTheFirst() },
  {
    fault: 'says sent whatever happens',
    rule: 'TR-23',
    carrier: (carrier) => ({ send: (batch) => (carrier.send(batch) === 'closed' ? 'closed' : 'sent') }),
  },
  { fault: 'never tells drained', rule: 'TR-24', listener: () => ({ drained() {} }) },
  {
    fault: 'tells drained once in its life',
    rule: 'TR-25',
    listener(listener) {
      let told = false;
      return {
        drained() {
          if (!told) listener.drained();
          told = true;
        },
      };
    },
  },
  {
    fault: 'counts batches instead of bytes',
    rule: 'TR-26',
    carrier: (carrier) => ({
      get bufferedBytes() {
        return Math.ceil(carrier.bufferedBytes / 16);
      },
    }),
  },
  { fault: 'holds up all while one is slow', rule: 'TR-27', ...holdingUpAll() },
  { fault: 'ignores pause', rule: 'TR-28', carrier: () => ({ pause() {} }) },
  {
    fault: 'ignores a pause inside connect',
    rule: 'TR-29',
    carrier(carrier) {
      let connected = false;
      queueMicrotask(() => {
        connected = true;
      });
      return { pause: () => (connected ? carrier.pause() : undefined) };
    },
  },
  {
    fault: 'closes where it should terminate',
    rule: 'TR-30',
    carrier: (carrier) => ({ terminate: () => carrier.close(1000, '') }),
  },
  {
    fault: 'knows no code of the client',
    rule: 'TR-31',
    listener: (listener) => ({ closed: () => listener.closed(1006, '') }),
  },
  {
    fault: 'takes a reset for a good end',
    rule: 'TR-32',
    listener: (listener) => ({
      closed: (code, reason) => listener.closed(code === 1006 ? 1000 : code, reason),
    }),
  },
  {
    fault: 'closes with a code of its own',
    rule: 'TR-33',
    carrier: (carrier) => ({ close: (_, reason) => carrier.close(1000, reason) }),
  },
  {
    fault: 'throws when it is used after close',
    rule: 'TR-34',
    carrier: (carrier) => ({
      send(batch) {
        const answer = carrier.send(batch);
        if (answer === 'closed') throw new Error('not open');
        return answer;
      },
    }),
  },
  {
    fault: 'terminates with a code',
    rule: 'TR-35',
    carrier: (carrier) => ({ terminate: () => carrier.close(1011, '') }),
  },
  {
    fault: 'forgets the code of a close that terminate cut short',
    rule: 'TR-36',
    ...forgettingCodes(),
  },
  {
    fault: 'still counts bytes when it is over',
    rule: 'TR-37',
    carrier: (carrier) => ({
      get bufferedBytes() {
        return carrier.send(createFrameBatch()) === 'closed' ? 7 : carrier.bufferedBytes;
      },
    }),
  },
  {
    fault: 'tells closed twice',
    rule: 'TR-38',
    listener: (listener) => ({
      closed(code, reason) {
        listener.closed(code, reason);
        listener.closed(code, reason);
      },
    }),
  },
  {
    fault: 'tells closed inside terminate',
    rule: 'TR-39',
    carrier: (carrier, listener) => ({
      terminate() {
        listener().closed(1006, '');
        carrier.terminate();
      },
    }),
  },
  {
    fault: 'refuses odd codes with an error',
    rule: 'TR-40',
    carrier: (carrier) => ({
      close(code, reason) {
        if (!Number.isInteger(code)) throw new RangeError('no code');
        carrier.close(code, reason);
      },
    }),
  },
  {
    fault: 'receives after close what came in before',
    rule: 'TR-41',
    carrier: (carrier, listener) => ({
      close(code, reason) {
        carrier.close(code, reason);
        queueMicrotask(() => queueMicrotask(() => queueMicrotask(() => listener().received('a late word'))));
      },
    }),
  },
];
