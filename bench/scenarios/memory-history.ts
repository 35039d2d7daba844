import type { HistoryStore } from '@hexbus/core';
import { createMemoryHistory } from '@hexbus/store-memory';
import type { Contestant, Scenario } from '../harness.ts';
import { nanosecondsEach } from '../measure.ts';

const small = '10,000 kept';
const large = '1,000,000 kept';
const batchSize = 100;
const pageSize = 100;
const topic = 'order.created';
const text = JSON.stringify({ step: 1, text: 'x'.repeat(230) });

function keptIn(variant: string, quick: boolean): number {
  return quick ? 1000 : variant === small ? 10_000 : 1_000_000;
}

interface Filled {
  readonly history: HistoryStore;
  readonly epoch: string;
  readonly append: () => Promise<unknown>;
}

/** A history that keeps so many messages of one topic, and is full. */
async function filled(kept: number): Promise<Filled> {
  const history = createMemoryHistory({ maxMessages: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY });
  const retention = [{ kind: 'limits', pattern: '>', maxCount: kept, maxAgeMs: Number.POSITIVE_INFINITY }] as const;
  const { epoch } = await history.open({ retention, deduplication: { maxIds: 10_000, maxAgeMs: 300_000 } });
  const batch = Array.from({ length: batchSize }, (_, index) => ({
    topic,
    id: `id-${index}`,
    body: text,
    deduplicate: false,
  }));
  const append = () => history.write({ epoch, append: batch, settle: [], commitCursors: [], deleteCursors: [] });
  for (let count = 0; count < kept; count += batchSize) await append();
  return { history, epoch, append };
}

const hexbusPush: Contestant = async (variant, effort) => {
  const { append } = await filled(keptIn(variant, effort.quick));
  const work = async (times: number): Promise<void> => {
    for (let count = 0; count < times; count += batchSize) await append();
  };
  return nanosecondsEach(work, effort, batchSize);
};

const hexbusRead: Contestant = async (variant, effort) => {
  const kept = keptIn(variant, effort.quick);
  const { history, epoch } = await filled(kept);
  let read = 0;
  const work = async (times: number): Promise<void> => {
    for (let time = 0; time < times; time++) {
      const after = (read++ * 7919) % (kept - pageSize);
      const query = {
        epoch,
        filter: [topic],
        range: { after },
        limit: pageSize,
        maxBytes: 1e9,
        state: 'live',
      } as const;
      const { messages } = await history.read(query);
      if (messages.length !== pageSize) throw new Error(`a page of ${messages.length}`);
    }
  };
  return nanosecondsEach(work, effort);
};

const note = (position: number) => ({ position, topic, id: 'id', time: 0, body: text });

/** The power of two from `kept` upwards. */
function ringOf(kept: number): { readonly slots: (object | undefined)[]; readonly mask: number } {
  const size = 2 ** Math.ceil(Math.log2(kept));
  return { slots: new Array<object | undefined>(size).fill(undefined), mask: size - 1 };
}

const ringPush: Contestant = (variant, effort) => {
  const { slots, mask } = ringOf(keptIn(variant, effort.quick));
  let position = 0;
  return nanosecondsEach((times) => {
    for (let time = 0; time < times; time++) {
      position++;
      slots[position & mask] = note(position);
    }
  }, effort);
};

const arrayPush: Contestant = (variant, effort) => {
  const kept = keptIn(variant, effort.quick);
  let entries: object[] = [];
  let position = 0;
  return nanosecondsEach((times) => {
    for (let time = 0; time < times; time++) {
      position++;
      entries.push(note(position));
      if (entries.length === kept * 2) entries = entries.slice(kept);
    }
  }, effort);
};

let pages = 0;

const arrayRead: Contestant = (variant, effort) => {
  const kept = keptIn(variant, effort.quick);
  const entries = Array.from({ length: kept }, (_, index) => note(index + 1));
  let read = 0;
  return nanosecondsEach((times) => {
    for (let time = 0; time < times; time++) {
      const after = (read++ * 7919) % (kept - pageSize);
      pages += entries.slice(after, after + pageSize).length;
    }
    if (pages === 0) throw new Error('no page was read');
  }, effort);
};

const ring = 'ring of objects (floor)';

export const memoryPush: Scenario = {
  name: 'memory-push',
  title: 'history in memory: append',
  unit: 'ns per message',
  about:
    'A full topic; batches of 100 through `history.write`. The others make one object per message and put it in its place.',
  variants: [small, large],
  contestants: {
    [ring]: ringPush,
    'array push, cut in half at twice as many': arrayPush,
    'hexbus history.write': hexbusPush,
  },
  goals: [
    { contestant: 'hexbus history.write', variant: small, against: { contestant: ring }, atMost: 2.5 },
    {
      contestant: 'hexbus history.write',
      variant: large,
      against: { variant: small },
      atMost: 1.15,
      note: '"identical", with 15 % for noise',
    },
  ],
  rounds: 3,
};

export const memoryRead: Scenario = {
  name: 'memory-read',
  title: 'history in memory: read 100 after a position',
  unit: 'ns per read of 100',
  about: 'Positions all over a full topic, through `history.read`. The other takes a slice of an array.',
  variants: [small, large],
  contestants: { 'array slice (floor)': arrayRead, 'hexbus history.read': hexbusRead },
  goals: [
    { contestant: 'hexbus history.read', variant: small, atMost: 600 },
    {
      contestant: 'hexbus history.read',
      variant: large,
      against: { variant: small },
      atMost: 1.15,
      note: '"identical", with 15 % for noise',
    },
  ],
  rounds: 3,
};
