import {
  type AppendResult,
  createRetentionLookup,
  type Filter,
  type HistoryPage,
  type Located,
  type LocateQuery,
  matchesPattern,
  type NamedCursor,
  type NewMessage,
  type ReadQuery,
  type TopicSummary,
  type TrimMark,
  type WriteBatch,
  type WriteResult,
} from '@hexbus/core';
import { DurableMinimal } from '../durable-minimal.ts';
import type { Row } from '../minimal-history.ts';
import type { Mutant } from './mutant.ts';

/** Appends another message than was given. */
function appending(change: (message: NewMessage) => NewMessage): Mutant['Store'] {
  return class extends DurableMinimal {
    protected override append(message: NewMessage): AppendResult {
      return super.append(change(message));
    }
  };
}

/** Asks or answers another page. */
function paging(
  change: (page: HistoryPage, query: ReadQuery) => Partial<HistoryPage>,
  ask = (query: ReadQuery) => query,
): Mutant['Store'] {
  return class extends DurableMinimal {
    override async read(query: ReadQuery): Promise<HistoryPage> {
      const page = await super.read(ask(query));
      return { ...page, ...change(page, query) };
    }
  };
}

function locating(
  change: (located: Located, query: LocateQuery) => Partial<Located>,
  ask = (query: LocateQuery) => query,
): Mutant['Store'] {
  return class extends DurableMinimal {
    override async locate(query: LocateQuery): Promise<Located> {
      const located = await super.locate(ask(query));
      return { ...located, ...change(located, query) };
    }
  };
}

/** Matches topics in its own way. */
function matching(
  matches: (filter: Filter, topic: string, store: { isHeld(topic: string): boolean }) => boolean,
): Mutant['Store'] {
  return class extends DurableMinimal {
    protected override rowsOf(filter: Filter, state: Row['state']): Row[] {
      const inFilter = this.data.rows.filter((row) => row.state === state);
      return inFilter.filter(({ message }) => matches(filter, message.topic, this.retention));
    }
  };
}

const openLookup = createRetentionLookup([]);

export const textMutants: readonly Mutant[] = [
  {
    rule: 'HS-33',
    fault: 'encodes bodies again',
    Store: appending((message) => ({ ...message, body: JSON.stringify(JSON.parse(message.body)) })),
  },
  {
    rule: 'HS-33',
    fault: 'normalises unicode',
    Store: appending((message) => ({ ...message, body: message.body.normalize('NFC') })),
  },
  {
    rule: 'HS-34',
    fault: 'cuts bodies',
    Store: appending((message) => ({ ...message, body: message.body.slice(0, 900_000) })),
  },
  { rule: 'HS-35', fault: 'loses the type', Store: appending(({ type: _, ...rest }) => rest) },
  { rule: 'HS-35', fault: 'loses the attributes', Store: appending(({ attributes: _, ...rest }) => rest) },
  { rule: 'HS-35', fault: 'makes up a type', Store: appending((message) => ({ type: '', ...message })) },
  {
    rule: 'HS-36',
    fault: 'compares topics without case',
    Store: matching((filter, topic) =>
      filter.some((entry) => matchesPattern(entry.toLowerCase(), topic.toLowerCase())),
    ),
  },
  {
    rule: 'HS-37',
    fault: "keeps the caller's cursor object",
    Store: class extends DurableMinimal {
      override async write(batch: WriteBatch): Promise<WriteResult> {
        const result = super.write(batch);
        for (const cursor of batch.commitCursors) this.data.cursors.set(cursor.name, cursor);
        return result;
      }
    },
  },
];

export const readingMutants: readonly Mutant[] = [
  {
    rule: 'HS-38',
    fault: 'gives the message at the position too',
    Store: paging(
      () => ({}),
      (query) => ('after' in query.range ? { ...query, range: { after: query.range.after - 1 } } : query),
    ),
  },
  {
    rule: 'HS-39',
    fault: 'ignores the limit',
    Store: paging(
      () => ({}),
      (query) => ({ ...query, limit: query.limit + 1 }),
    ),
  },
  {
    rule: 'HS-40',
    fault: 'reads backwards newest first',
    Store: paging(({ messages }, { range }) => ('before' in range ? { messages: [...messages].reverse() } : {})),
  },
  {
    rule: 'HS-40',
    fault: 'gives the oldest of what precedes a position',
    Store: class extends DurableMinimal {
      override async read(query: ReadQuery): Promise<HistoryPage> {
        if ('after' in query.range) return super.read(query);
        const page = await super.read({ ...query, limit: Infinity });
        return { ...page, messages: page.messages.slice(0, query.limit) };
      }
    },
  },
  {
    rule: 'HS-41',
    fault: 'ignores maxBytes',
    Store: paging(
      () => ({}),
      (query) => ({ ...query, maxBytes: Infinity }),
    ),
  },
  {
    rule: 'HS-41',
    fault: 'has no page for a message that is too large',
    Store: paging(({ messages: [first] }, { maxBytes }) =>
      first !== undefined && first.body.length > maxBytes ? { messages: [] } : {},
    ),
  },
  { rule: 'HS-42', fault: 'says it looked through the head', Store: paging(({ position }) => ({ through: position })) },
  {
    rule: 'HS-42',
    fault: 'does not look beyond its start where nothing follows',
    Store: paging(({ messages }, { range }) =>
      messages.length === 0 && 'after' in range ? { through: range.after } : {},
    ),
  },
  {
    rule: 'HS-43',
    fault: 'looks back one message too far',
    Store: paging(({ through }, { range }) => ('before' in range ? { through: through - 1 } : {})),
  },
  {
    rule: 'HS-44',
    fault: 'tells the last message of the page as the head',
    Store: paging(({ messages, position }) => ({ position: messages.at(-1)?.position ?? position - 1 })),
  },
  {
    rule: 'HS-45',
    fault: 'reads positions of any epoch',
    Store: class extends DurableMinimal {
      override async read(query: ReadQuery): Promise<HistoryPage> {
        return super.read({ ...query, epoch: this.data.epoch });
      }
    },
  },
  {
    rule: 'HS-46',
    fault: 'lets * stand for several tokens',
    Store: matching((filter, topic, { isHeld }) =>
      filter.some((entry) => (entry === topic || !isHeld(topic)) && matchesPattern(entry.replace(/\*$/, '>'), topic)),
    ),
  },
  {
    rule: 'HS-46',
    fault: 'gives a message once for each entry of the filter',
    Store: class extends DurableMinimal {
      protected override rowsOf(filter: Filter, state: Row['state']): Row[] {
        const rows = filter.flatMap((entry) => super.rowsOf([entry], state));
        return rows.sort((one, two) => one.message.position - two.message.position);
      }
    },
  },
  {
    rule: 'HS-47',
    fault: 'lets patterns match held topics',
    Store: matching((filter, topic) => filter.some((entry) => matchesPattern(entry, topic))),
  },
  {
    rule: 'HS-48',
    fault: 'lets patterns match @ topics',
    Store: matching((filter, topic, { isHeld }) =>
      filter.some(
        (entry) =>
          (entry === topic || !isHeld(topic)) && matchesPattern(entry.replace(/^@/, ''), topic.replace(/^@/, '')),
      ),
    ),
  },
  {
    rule: 'HS-49',
    fault: 'trims when it is read',
    Store: class extends DurableMinimal {
      override async read(query: ReadQuery): Promise<HistoryPage> {
        this.now = Math.max(this.data.lastTime, this.clock.now());
        this.trim();
        return super.read(query);
      }
    },
  },
  {
    rule: 'HS-50',
    fault: 'counts the dead among those that wait',
    Store: class extends DurableMinimal {
      override async summarize(topic: string): Promise<TopicSummary> {
        const summary = await super.summarize(topic);
        return { ...summary, count: summary.count + summary.dead };
      }
    },
  },
];

export const locatingMutants: readonly Mutant[] = [
  {
    rule: 'HS-51',
    fault: 'starts the earliest at 0',
    Store: locating((_, { from }) => ('earliest' in from ? { start: 0 } : {})),
  },
  {
    rule: 'HS-52',
    fault: 'counts the last n per topic',
    Store: class extends DurableMinimal {
      override async locate(query: LocateQuery): Promise<Located> {
        if (!('last' in query.from)) return super.locate(query);
        const located = await super.locate(query);
        const each = query.filter.map((entry) => super.locate({ ...query, filter: [entry] }));
        return { ...located, start: Math.min(...(await Promise.all(each)).map(({ start }) => start)) };
      }
    },
  },
  {
    rule: 'HS-53',
    fault: 'misses what is exactly as old as since',
    Store: locating(
      () => ({}),
      (query) => ('since' in query.from ? { ...query, from: { since: query.from.since + 1 } } : query),
    ),
  },
  {
    rule: 'HS-54',
    fault: 'starts at 0 where nothing is there',
    Store: locating(({ start, position }) => ({ start: start === position ? 0 : start })),
  },
  { rule: 'HS-55', fault: 'tells no marks with a start', Store: locating(() => ({ trimmed: [] })) },
  {
    rule: 'HS-55',
    fault: 'tells marks below the start',
    Store: class extends DurableMinimal {
      override async locate(query: LocateQuery): Promise<Located> {
        const located = await super.locate(query);
        return query.epoch === located.epoch ? { ...located, trimmed: this.marksOf(query.filter, 0) } : located;
      }
    },
  },
  {
    rule: 'HS-56',
    fault: 'locates in any epoch',
    Store: class extends DurableMinimal {
      override async locate(query: LocateQuery): Promise<Located> {
        return super.locate({ ...query, epoch: this.data.epoch });
      }
    },
  },
];

export const cursorMutants: readonly Mutant[] = [
  {
    rule: 'HS-76',
    fault: 'gives cursors the present epoch',
    Store: class extends DurableMinimal {
      override async loadCursor(name: string): Promise<NamedCursor | undefined> {
        const cursor = await super.loadCursor(name);
        return cursor && { ...cursor, epoch: this.data.epoch };
      }
    },
  },
  {
    rule: 'HS-76',
    fault: 'sorts the filter of a cursor',
    Store: class extends DurableMinimal {
      override async loadCursor(name: string): Promise<NamedCursor | undefined> {
        const cursor = await super.loadCursor(name);
        return cursor && { ...cursor, filter: [...cursor.filter].sort() };
      }
    },
  },
  {
    rule: 'HS-77',
    fault: 'never sets a cursor back',
    Store: class extends DurableMinimal {
      override async write(batch: WriteBatch): Promise<WriteResult> {
        const rises = (cursor: NamedCursor): boolean =>
          cursor.position >= (this.data.cursors.get(cursor.name)?.position ?? 0);
        return super.write({ ...batch, commitCursors: batch.commitCursors.filter(rises) });
      }
    },
  },
  {
    rule: 'HS-78',
    fault: 'does not delete cursors',
    Store: class extends DurableMinimal {
      override async write(batch: WriteBatch): Promise<WriteResult> {
        return super.write({ ...batch, deleteCursors: [] });
      }
    },
  },
];

export const markMutants: readonly Mutant[] = [
  {
    rule: 'HS-59',
    fault: 'tells marks below the position too',
    Store: class extends DurableMinimal {
      protected override marksOf(filter: Filter): TrimMark[] {
        return super.marksOf(filter, 0);
      }
    },
  },
  {
    rule: 'HS-59',
    fault: 'tells the marks of all topics',
    Store: class extends DurableMinimal {
      protected override marksOf(_: Filter, after: number): TrimMark[] {
        const { retention } = this;
        this.retention = openLookup;
        const marks = super.marksOf(['>', ...this.data.marks.keys()], after);
        this.retention = retention;
        return marks;
      }
    },
  },
];
