import type { Head, OpenHistoryOptions, WriteBatch, WriteResult } from '@hexbus/core';
import { DurableMinimal } from '../durable-minimal.ts';
import { emptyData, type MinimalData } from '../minimal-history.ts';
import type { Mutant } from './mutant.ts';

/** Opens on data that was not kept as it should. */
function recovering(change: (data: MinimalData) => Partial<MinimalData>): Mutant['Store'] {
  return class extends DurableMinimal {
    override async open(options: OpenHistoryOptions): Promise<Head> {
      if (this.place.owner === undefined) Object.assign(this.data, change(this.data));
      return super.open(options);
    }
  };
}

export const durabilityMutants: readonly Mutant[] = [
  {
    rule: 'HS-79',
    fault: 'is not durable though it says so',
    Store: recovering(({ epoch }) => emptyData(epoch)),
  },
  {
    rule: 'HS-79',
    fault: 'begins a new epoch at each opening',
    Store: class extends DurableMinimal {
      override async open(options: OpenHistoryOptions): Promise<Head> {
        return super.open({ ...options, newEpoch: true });
      }
    },
  },
  { rule: 'HS-79', fault: 'forgets cursors', Store: recovering(() => ({ cursors: new Map() })) },
  {
    rule: 'HS-79',
    fault: 'lets the dead wait again',
    Store: recovering(({ rows }) => ({ rows: rows.map((row) => ({ ...row, state: 'live', reason: '' })) })),
  },
  {
    rule: 'HS-80',
    fault: 'takes the head from the messages that are left',
    Store: recovering(({ rows }) => ({ head: rows.at(-1)?.message.position ?? 0 })),
  },
  {
    rule: 'HS-80',
    fault: 'takes the time from the messages that are left',
    Store: recovering(({ rows }) => ({ lastTime: rows.at(-1)?.message.time ?? 0 })),
  },
  { rule: 'HS-81', fault: 'forgets its marks', Store: recovering(() => ({ marks: new Map() })) },
  { rule: 'HS-82', fault: 'forgets which ids it has seen', Store: recovering(() => ({ remembered: [] })) },
  {
    rule: 'HS-82',
    fault: 'gives remembered ids the time of the opening',
    Store: class extends DurableMinimal {
      override async open(options: OpenHistoryOptions): Promise<Head> {
        const time = this.clock.now();
        this.data.remembered = this.data.remembered.map((each) => ({ ...each, time }));
        return super.open(options);
      }
    },
  },
  {
    rule: 'HS-83',
    fault: 'keeps the epoch though asked for a new one',
    Store: class extends DurableMinimal {
      override async open(options: OpenHistoryOptions): Promise<Head> {
        return super.open({ ...options, newEpoch: false });
      }
    },
  },
  {
    rule: 'HS-83',
    fault: 'begins a new epoch with nothing',
    Store: class extends DurableMinimal {
      override async open(options: OpenHistoryOptions): Promise<Head> {
        if (options.newEpoch === true) this.data.rows = [];
        return super.open(options);
      }
    },
  },
  {
    rule: 'HS-84',
    fault: 'trims when it opens',
    Store: class extends DurableMinimal {
      override async open(options: OpenHistoryOptions): Promise<Head> {
        const head = await super.open(options);
        this.trim();
        return head;
      }
    },
  },
  {
    rule: 'HS-85',
    fault: 'opens what another has open',
    Store: class extends DurableMinimal {
      override async open(options: OpenHistoryOptions): Promise<Head> {
        if (this.state === 'idle' && this.closing === undefined) this.place.owner = undefined;
        return super.open(options);
      }
    },
  },
  {
    rule: 'HS-85',
    fault: 'frees the place of another',
    Store: class extends DurableMinimal {
      override leave(): void {
        this.place.owner = undefined;
      }
    },
  },
  {
    rule: 'HS-86',
    fault: 'loses what was not yet written when it closes',
    Store: class extends DurableMinimal {
      override async write(batch: WriteBatch): Promise<WriteResult> {
        const data = structuredClone(this.data);
        const result = super.write(batch);
        for (let tick = 0; tick < 5; tick++) await undefined;
        if (this.closing !== undefined) Object.assign(this.data, data);
        return result;
      }
    },
  },
  {
    rule: 'HS-87',
    fault: 'keeps what it wrote only when it is closed',
    Store: class extends DurableMinimal {
      #kept = emptyData('');

      override async open(options: OpenHistoryOptions): Promise<Head> {
        const head = await super.open(options);
        this.#kept = structuredClone(this.data);
        return head;
      }

      protected override async end(): Promise<void> {
        this.#kept = this.data;
        await super.end();
      }

      override leave(): void {
        if (this.place.owner === this) Object.assign(this.data, this.#kept);
        super.leave();
      }
    },
  },
];
