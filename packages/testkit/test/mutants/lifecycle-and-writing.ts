import type {
  AppendResult,
  Head,
  NamedCursor,
  NewMessage,
  OpenHistoryOptions,
  WriteBatch,
  WriteResult,
} from '@hexbus/core';
import { HexbusError, systemClock } from '@hexbus/core';
import { DurableMinimal } from '../durable-minimal.ts';
import type { MinimalData } from '../minimal-history.ts';
import type { Mutant } from './mutant.ts';

export const lifecycleMutants: readonly Mutant[] = [
  {
    rule: 'HS-01',
    fault: 'has no name',
    Store: class extends DurableMinimal {
      override readonly name: string = '';
    },
  },
  {
    rule: 'HS-02',
    fault: 'answers before it was opened',
    Store: class extends DurableMinimal {
      protected override assertOpen(): void {
        if (this.state !== 'idle') super.assertOpen();
      }
    },
  },
  {
    rule: 'HS-03',
    fault: 'answers while it opens',
    Store: class extends DurableMinimal {
      protected override assertOpen(): void {
        if (this.state !== 'opening') super.assertOpen();
      }
    },
  },
  {
    rule: 'HS-04',
    fault: 'has no answer about what it does not know',
    Store: class extends DurableMinimal {
      override async loadCursor(name: string): Promise<NamedCursor | undefined> {
        const cursor = await super.loadCursor(name);
        if (cursor === undefined) throw new HexbusError('HEXBUS_NOT_OPEN', 'nothing there');
        return cursor;
      }
    },
  },
  {
    rule: 'HS-05',
    fault: 'works on after close',
    Store: class extends DurableMinimal {
      protected override assertOpen(): void {
        if (this.state !== 'closed') super.assertOpen();
      }
    },
  },
  {
    rule: 'HS-06',
    fault: 'forgets that it was closed before it was opened',
    Store: class extends DurableMinimal {
      protected override async end(): Promise<void> {
        const unopened = this.state !== 'open';
        await super.end();
        if (unopened) this.state = 'open';
      }
    },
  },
  {
    rule: 'HS-07',
    fault: 'is open although opening failed',
    Store: class extends DurableMinimal {
      override async open(options: OpenHistoryOptions): Promise<Head> {
        const head = await super.open({ ...options, signal: undefined });
        if (options.signal?.aborted === true) throw new Error('aborted');
        return head;
      }
    },
  },
  {
    rule: 'HS-08',
    fault: 'opens twice',
    Store: class extends DurableMinimal {
      override async open(options: OpenHistoryOptions): Promise<Head> {
        return this.state === 'open' ? { epoch: this.data.epoch, position: this.data.head } : super.open(options);
      }
    },
  },
  {
    rule: 'HS-09',
    fault: 'gives a new promise at each close',
    Store: class extends DurableMinimal {
      override async close(): Promise<void> {
        await super.close();
      }
    },
  },
  {
    rule: 'HS-10',
    fault: 'closes before its writes are done',
    Store: class extends DurableMinimal {
      override async write(batch: WriteBatch): Promise<WriteResult> {
        const result = super.write(batch);
        result.catch(() => {});
        for (let turn = 0; turn < 3; turn++) await new Promise<void>((resolve) => systemClock.nextTurn(resolve));
        return result;
      }
    },
  },
  {
    rule: 'HS-11',
    fault: 'ignores the signal',
    Store: class extends DurableMinimal {
      override async open(options: OpenHistoryOptions): Promise<Head> {
        return super.open({ ...options, signal: undefined });
      }
    },
  },
  {
    rule: 'HS-11',
    fault: 'keeps its place until close though it did not open',
    Store: class extends DurableMinimal {
      override async open(options: OpenHistoryOptions): Promise<Head> {
        try {
          return await super.open(options);
        } finally {
          if (options.signal?.aborted === true) this.place.owner ??= this;
        }
      }
    },
  },
];

export const writingMutants: readonly Mutant[] = [
  {
    rule: 'HS-13',
    fault: 'calls every epoch the same',
    Store: class extends DurableMinimal {
      override async open(options: OpenHistoryOptions): Promise<Head> {
        this.data.epoch = 'first';
        return super.open(options);
      }
    },
  },
  {
    rule: 'HS-14',
    fault: 'counts positions per topic',
    Store: class extends DurableMinimal {
      protected override append(message: NewMessage): AppendResult {
        const before = this.data.head;
        this.data.head = this.rowsOf([message.topic], 'live').length;
        const result = super.append(message);
        this.data.head = Math.max(this.data.head, before);
        return result;
      }
    },
  },
  {
    rule: 'HS-15',
    fault: 'tells the head after the batch as the one before it',
    Store: class extends DurableMinimal {
      override async write(batch: WriteBatch): Promise<WriteResult> {
        const result = await super.write(batch);
        return { ...result, before: result.head };
      }
    },
  },
  {
    rule: 'HS-16',
    fault: 'leaves refused messages out of its results',
    Store: class extends DurableMinimal {
      override async write(batch: WriteBatch): Promise<WriteResult> {
        const result = await super.write(batch);
        return { ...result, appended: result.appended.filter(({ status }) => status !== 'refused') };
      }
    },
  },
  {
    rule: 'HS-17',
    fault: 'lets time fall with the clock',
    Store: class extends DurableMinimal {
      override async write(batch: WriteBatch): Promise<WriteResult> {
        this.data.lastTime = 0;
        return super.write(batch);
      }
    },
  },
  {
    rule: 'HS-18',
    fault: 'lets small writes overtake large ones',
    Store: class extends DurableMinimal {
      override async write(batch: WriteBatch): Promise<WriteResult> {
        for (let tick = 1; tick < batch.append.length; tick++) await undefined;
        return super.write(batch);
      }
    },
  },
  {
    rule: 'HS-19',
    fault: 'uses positions again',
    Store: class extends DurableMinimal {
      protected override append(message: NewMessage): AppendResult {
        this.data.head = Math.max(0, ...this.data.rows.map((row) => row.message.position));
        return super.append(message);
      }
    },
  },
  {
    rule: 'HS-20',
    fault: 'accepts a batch of another epoch',
    Store: class extends DurableMinimal {
      override async write(batch: WriteBatch): Promise<WriteResult> {
        return super.write({ ...batch, epoch: this.data.epoch });
      }
    },
  },
  {
    rule: 'HS-20',
    fault: 'commits the cursors of a batch of another epoch',
    Store: class extends DurableMinimal {
      override async write(batch: WriteBatch): Promise<WriteResult> {
        for (const cursor of batch.commitCursors) this.data.cursors.set(cursor.name, cursor);
        return super.write(batch);
      }
    },
  },
  {
    rule: 'HS-20',
    fault: 'trims in a batch of another epoch',
    Store: class extends DurableMinimal {
      override async write(batch: WriteBatch): Promise<WriteResult> {
        this.now = Math.max(this.data.lastTime, this.clock.now());
        if (batch.epoch !== this.data.epoch) this.trim();
        return super.write(batch);
      }
    },
  },
  {
    rule: 'HS-21',
    fault: 'appends before it settles',
    Store: class extends DurableMinimal {
      override async write(batch: WriteBatch): Promise<WriteResult> {
        const { appended, before } = await super.write({ ...batch, settle: [] });
        return { ...(await super.write({ ...batch, append: [] })), appended, before };
      }
    },
  },
  {
    rule: 'HS-22',
    fault: 'writes large batches in parts',
    Store: class extends DurableMinimal {
      override async write(batch: WriteBatch): Promise<WriteResult> {
        const first = await super.write({ ...batch, append: batch.append.slice(0, 256) });
        if (batch.append.length <= 256) return first;
        const rest = await super.write({ ...batch, append: batch.append.slice(256), settle: [] });
        return { ...rest, before: first.before, appended: [...first.appended, ...rest.appended] };
      }
    },
  },
  {
    rule: 'HS-23',
    fault: 'does not apply an empty batch',
    Store: class extends DurableMinimal {
      override async write(batch: WriteBatch): Promise<WriteResult> {
        const result = await super.write(batch);
        return { ...result, applied: result.applied && batch.append.length + batch.settle.length > 0 };
      }
    },
  },
];

/** Replaces what is remembered before an append looks at it. */
function remembering(change: (data: MinimalData, message: NewMessage) => MinimalData['remembered']): Mutant['Store'] {
  return class extends DurableMinimal {
    protected override append(message: NewMessage): AppendResult {
      this.data.remembered = change(this.data, message);
      return super.append(message);
    }
  };
}

export const duplicateMutants: readonly Mutant[] = [
  {
    rule: 'HS-24',
    fault: 'tells the time of the duplicate',
    Store: class extends DurableMinimal {
      protected override append(message: NewMessage): AppendResult {
        const result = super.append(message);
        return result.status === 'duplicate' ? { ...result, time: this.now } : result;
      }
    },
  },
  {
    rule: 'HS-24',
    fault: 'gives a duplicate a position',
    Store: class extends DurableMinimal {
      protected override append(message: NewMessage): AppendResult {
        const result = super.append(message);
        if (result.status === 'duplicate') this.data.head += 1;
        return result;
      }
    },
  },
  {
    rule: 'HS-25',
    fault: 'knows ids over all topics',
    Store: remembering(({ remembered }, { topic }) => remembered.map((each) => ({ ...each, topic }))),
  },
  {
    rule: 'HS-26',
    fault: 'remembers ids that the bus made',
    Store: remembering(({ rows, remembered }) => [
      ...remembered,
      ...rows
        .map(({ message }) => message)
        .filter(({ position }) => remembered.every((each) => each.position !== position)),
    ]),
  },
  {
    rule: 'HS-27',
    fault: 'does not look for duplicates within the batch',
    Store: remembering(({ remembered, lastTime }) => remembered.filter((each) => each.time < lastTime)),
  },
  {
    rule: 'HS-28',
    fault: 'forgets an id with its message',
    Store: remembering(({ rows, remembered }) =>
      remembered.filter(({ position }) => rows.some(({ message }) => message.position === position)),
    ),
  },
  {
    rule: 'HS-29',
    fault: 'remembers refused messages',
    Store: class extends DurableMinimal {
      protected override append(message: NewMessage): AppendResult {
        const result = super.append(message);
        const { topic, id } = message;
        if (result.status === 'refused') this.data.remembered.push({ topic, id, position: 0, time: this.now });
        return result;
      }
    },
  },
  {
    rule: 'HS-30',
    fault: 'looks at the bound before it looks for duplicates',
    Store: class extends DurableMinimal {
      protected override append(message: NewMessage): AppendResult {
        const result = super.append({ ...message, deduplicate: false });
        if (result.status === 'refused') return result;
        this.data.rows.pop();
        this.data.head -= 1;
        return super.append(message);
      }
    },
  },
  {
    rule: 'HS-31',
    fault: 'never forgets an id for others',
    Store: class extends DurableMinimal {
      override async open(options: OpenHistoryOptions): Promise<Head> {
        return super.open({ ...options, deduplication: { ...options.deduplication, maxIds: 1_000_000 } });
      }
    },
  },
  {
    rule: 'HS-31',
    fault: 'counts a duplicate as a new id',
    Store: class extends DurableMinimal {
      protected override append(message: NewMessage): AppendResult {
        const result = super.append(message);
        const first = this.data.remembered.find(({ topic, id }) => topic === message.topic && id === message.id);
        if (result.status === 'duplicate' && first !== undefined) this.data.remembered.push(first);
        return result;
      }
    },
  },
  {
    rule: 'HS-32',
    fault: 'never forgets an id for its age',
    Store: class extends DurableMinimal {
      override async open(options: OpenHistoryOptions): Promise<Head> {
        return super.open({ ...options, deduplication: { ...options.deduplication, maxAgeMs: Infinity } });
      }
    },
  },
];
