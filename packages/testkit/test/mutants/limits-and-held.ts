import {
  type AppendResult,
  createRetentionLookup,
  type DroppedMessage,
  type Filter,
  type Head,
  type HistoryPage,
  type NewMessage,
  type OpenHistoryOptions,
  type ReadQuery,
  type RetentionPolicy,
  type Settlement,
  type WriteBatch,
  type WriteResult,
} from '@hexbus/core';
import { DurableMinimal } from '../durable-minimal.ts';
import type { Row } from '../minimal-history.ts';
import type { Mutant } from './mutant.ts';

/** Opens with other policies than were given. */
function withPolicies(change: (policies: readonly RetentionPolicy[]) => readonly RetentionPolicy[]): Mutant['Store'] {
  return class extends DurableMinimal {
    override async open(options: OpenHistoryOptions): Promise<Head> {
      return super.open({ ...options, retention: change(options.retention) });
    }
  };
}

function eachPolicy(change: (policy: RetentionPolicy) => RetentionPolicy): Mutant['Store'] {
  return withPolicies((policies) => policies.map(change));
}

/** Settles in its own way; `usual` is the right one. */
function settling(change: (usual: () => boolean, settlement: Settlement, rows: Row[]) => boolean): Mutant['Store'] {
  return class extends DurableMinimal {
    protected override settle(settlement: Settlement): boolean {
      return change(() => super.settle(settlement), settlement, this.data.rows);
    }
  };
}

export const limitMutants: readonly Mutant[] = [
  {
    rule: 'HS-57',
    fault: 'keeps one message too many',
    Store: eachPolicy((policy) => (policy.kind === 'limits' ? { ...policy, maxCount: policy.maxCount + 1 } : policy)),
  },
  {
    rule: 'HS-58',
    fault: 'trims only the topics that it appends to',
    Store: class extends DurableMinimal {
      override async write(batch: WriteBatch): Promise<WriteResult> {
        const idle = this.data.rows.filter(({ message }) => batch.append.every(({ topic }) => topic !== message.topic));
        const settled = new Set(batch.settle.map(({ position }) => position));
        const kept = idle.filter(({ message }) => !settled.has(message.position));
        this.data.rows = this.data.rows.filter((row) => !kept.includes(row));
        const result = await super.write(batch);
        this.data.rows = [...this.data.rows, ...kept].sort((one, two) => one.message.position - two.message.position);
        return result;
      }
    },
  },
  {
    rule: 'HS-58',
    fault: 'removes what is exactly maxAgeMs old',
    Store: eachPolicy((policy) => ({ ...policy, maxAgeMs: policy.maxAgeMs - 1 })),
  },
  {
    rule: 'HS-59',
    fault: 'trims without a mark',
    Store: class extends DurableMinimal {
      protected override trim(): DroppedMessage[] {
        const dropped = super.trim();
        this.data.marks.clear();
        return dropped;
      }
    },
  },
  {
    rule: 'HS-60',
    fault: 'marks what was settled',
    Store: class extends DurableMinimal {
      protected override settle(settlement: Settlement): boolean {
        const settled = super.settle(settlement);
        if (settled) this.data.marks.set(settlement.topic, settlement.position);
        return settled;
      }
    },
  },
  {
    rule: 'HS-61',
    fault: 'takes the last pattern that matches',
    Store: withPolicies((policies) => [...policies].reverse()),
  },
  {
    rule: 'HS-61',
    fault: "takes the first pattern before the topic's own policy",
    Store: class extends DurableMinimal {
      override async open(options: OpenHistoryOptions): Promise<Head> {
        const head = await super.open(options);
        const patterns = createRetentionLookup(options.retention.filter(({ pattern }) => /[*>]/.test(pattern)));
        const { retention } = this;
        const policyOf = (topic: string) => patterns.policyOf(topic) ?? retention.policyOf(topic);
        this.retention = { policyOf, isHeld: (topic) => policyOf(topic)?.kind === 'until-handled' };
        return head;
      }
    },
  },
  {
    rule: 'HS-62',
    fault: 'takes Infinity for its own limit',
    Store: eachPolicy((policy) => ({ ...policy, maxCount: Math.min(policy.maxCount, 200) })),
  },
  {
    rule: 'HS-63',
    fault: 'forgets the marks of empty topics',
    Store: class extends DurableMinimal {
      protected override trim(): DroppedMessage[] {
        const dropped = super.trim();
        for (const topic of this.data.marks.keys()) {
          if (this.rowsOf([topic], 'live').length === 0) this.data.marks.delete(topic);
        }
        return dropped;
      }
    },
  },
];

export const heldMutants: readonly Mutant[] = [
  {
    rule: 'HS-64',
    fault: 'keeps what was handled',
    Store: settling((usual, { outcome }) => outcome === 'handled' || usual()),
  },
  {
    rule: 'HS-65',
    fault: 'loses the reason',
    Store: settling((usual, settlement, rows) => {
      const settled = usual();
      const index = rows.findIndex(({ message }) => message.position === settlement.position);
      const row = rows[index];
      if (row !== undefined) rows[index] = { ...row, reason: '' };
      return settled;
    }),
  },
  {
    rule: 'HS-65',
    fault: 'tells reasons of live messages',
    Store: class extends DurableMinimal {
      override async read(query: ReadQuery): Promise<HistoryPage> {
        const page = await super.read(query);
        return { ...page, reasons: page.messages.map((_, index) => page.reasons[index] ?? '') };
      }
    },
  },
  {
    rule: 'HS-66',
    fault: 'gives a requeued message a new position',
    Store: class extends DurableMinimal {
      protected override settle(settlement: Settlement): boolean {
        const settled = super.settle(settlement);
        const index = this.data.rows.findIndex(({ message }) => message.position === settlement.position);
        if (!settled || settlement.outcome !== 'requeue') return settled;
        const [row] = this.data.rows.splice(index, 1);
        this.data.head += 1;
        this.data.rows.push({ ...row!, message: { ...row!.message, position: this.data.head } });
        return true;
      }
    },
  },
  {
    rule: 'HS-67',
    fault: 'does not discard',
    Store: settling((usual, { outcome }) => outcome === 'discard' || usual()),
  },
  { rule: 'HS-68', fault: 'says true of a missing message', Store: settling((usual) => usual() || true) },
  {
    rule: 'HS-68',
    fault: 'settles by position whatever the topic',
    Store: class extends DurableMinimal {
      protected override settle(settlement: Settlement): boolean {
        const found = this.data.rows.find(({ message }) => message.position === settlement.position);
        return super.settle({ ...settlement, topic: found?.message.topic ?? settlement.topic });
      }
    },
  },
  {
    rule: 'HS-69',
    fault: 'refuses the whole batch for one full topic',
    Store: class extends DurableMinimal {
      override async write(batch: WriteBatch): Promise<WriteResult> {
        const data = structuredClone(this.data);
        const result = await super.write(batch);
        const refused = result.appended.find(({ status }) => status === 'refused');
        if (refused === undefined) return result;
        Object.assign(this.data, data);
        return { ...result, head: result.before, appended: result.appended.map(() => refused) };
      }
    },
  },
  {
    rule: 'HS-69',
    fault: 'uses a position for a refused message',
    Store: class extends DurableMinimal {
      protected override append(message: NewMessage): AppendResult {
        const result = super.append(message);
        if (result.status === 'refused') this.data.head += 1;
        return result;
      }
    },
  },
  {
    rule: 'HS-70',
    fault: 'counts the dead towards the bound',
    Store: class extends DurableMinimal {
      protected override append(message: NewMessage): AppendResult {
        const policy = this.retention.policyOf(message.topic);
        const both = [...this.rowsOf([message.topic], 'live'), ...this.rowsOf([message.topic], 'dead')];
        const rejects = policy?.kind === 'until-handled' && policy.overflow === 'reject';
        if (rejects && both.length >= policy.maxCount) return { status: 'refused', reason: 'topic-full' };
        return super.append(message);
      }
    },
  },
  {
    rule: 'HS-71',
    fault: 'drops without a word',
    Store: class extends DurableMinimal {
      override async write(batch: WriteBatch): Promise<WriteResult> {
        return { ...(await super.write(batch)), dropped: [] };
      }
    },
  },
  {
    rule: 'HS-71',
    fault: 'lists what it dropped topic by topic',
    Store: class extends DurableMinimal {
      protected override trim(): DroppedMessage[] {
        return super.trim().sort((one, two) => (two.topic < one.topic ? -1 : two.position - one.position));
      }
    },
  },
  {
    rule: 'HS-72',
    fault: 'lets held messages grow as old as they like',
    Store: eachPolicy((policy) => (policy.kind === 'until-handled' ? { ...policy, maxAgeMs: Infinity } : policy)),
  },
  {
    rule: 'HS-73',
    fault: 'lets a mark fall',
    Store: class extends DurableMinimal {
      protected override trim(): DroppedMessage[] {
        const before = new Map(this.data.marks);
        this.data.marks.clear();
        const dropped = super.trim();
        for (const [topic, through] of before) {
          if (!this.data.marks.has(topic)) this.data.marks.set(topic, through);
        }
        return dropped;
      }
    },
  },
  {
    rule: 'HS-74',
    fault: 'drops dead messages for their age',
    Store: class extends DurableMinimal {
      protected override trim(): DroppedMessage[] {
        this.data.rows = this.data.rows.filter(({ message, state }) => {
          const maxAgeMs = this.retention.policyOf(message.topic)?.maxAgeMs ?? Infinity;
          return state === 'live' || message.time >= this.now - maxAgeMs;
        });
        return super.trim();
      }
    },
  },
  {
    rule: 'HS-75',
    fault: 'does not requeue into a full topic',
    Store: class extends DurableMinimal {
      protected override settle(settlement: Settlement): boolean {
        const { outcome, topic } = settlement;
        const waiting = this.rowsOf([topic] satisfies Filter, 'live').length;
        if (outcome === 'requeue' && waiting >= (this.retention.policyOf(topic)?.maxCount ?? 0)) return false;
        return super.settle(settlement);
      }
    },
  },
];
