import {
  type AppendResult,
  type Clock,
  createRetentionLookup,
  createTopicMatcher,
  type DroppedMessage,
  type Filter,
  type Head,
  HexbusError,
  type HistoryPage,
  type HistoryStore,
  type LifecycleState,
  type Located,
  type LocateQuery,
  type NamedCursor,
  type NewMessage,
  type OpenHistoryOptions,
  type Randomness,
  type ReadQuery,
  type RetentionLookup,
  type Settlement,
  type StoredMessage,
  type TopicSummary,
  type TrimMark,
  type WriteBatch,
  type WriteResult,
} from '@hexbus/core';

/** A message and its state: on a stream topic always live, on a held one live while it waits. */
export interface Row {
  readonly message: StoredMessage;
  readonly state: 'live' | 'dead';
  readonly reason: string;
}

/** All that a history knows. Kept elsewhere, it outlives the store. */
export interface MinimalData {
  epoch: string;
  head: number;
  lastTime: number;
  rows: Row[];
  marks: Map<string, number>;
  remembered: { readonly topic: string; readonly id: string; readonly position: number; readonly time: number }[];
  cursors: Map<string, NamedCursor>;
}

/** The least that keeps the contract of `HistoryStore`: one array, and a walk through it for every question. */
export class MinimalHistory implements HistoryStore {
  readonly name: string = 'minimal';
  readonly capabilities: HistoryStore['capabilities'] = { durable: false };
  protected readonly clock: Clock;
  protected readonly randomness: Randomness;
  protected readonly data: MinimalData;
  protected state: LifecycleState = 'idle';
  protected retention: RetentionLookup = createRetentionLookup([]);
  protected window: OpenHistoryOptions['deduplication'] = { maxIds: 0, maxAgeMs: 0 };
  /** The time of the write that is under way. */
  protected now = 0;
  protected closing: Promise<void> | undefined;

  constructor(clock: Clock, randomness: Randomness, data?: MinimalData) {
    this.clock = clock;
    this.randomness = randomness;
    this.data = data ?? emptyData(randomness.id());
  }

  async open(options: OpenHistoryOptions): Promise<Head> {
    if (this.closing !== undefined) throw new HexbusError('HEXBUS_CLOSED', 'this history was closed; create another');
    if (this.state !== 'idle') throw new HexbusError('HEXBUS_CONFIG', 'this history was opened before; open it once');
    this.state = 'opening';
    await undefined;
    if (options.signal?.aborted === true) void this.close();
    if (this.closing !== undefined) throw new HexbusError('HEXBUS_CLOSED', 'this history was closed while it opened');
    this.retention = createRetentionLookup(options.retention);
    this.window = options.deduplication;
    if (options.newEpoch === true) this.data.epoch = this.randomness.id();
    this.state = 'open';
    return { epoch: this.data.epoch, position: this.data.head };
  }

  async write(batch: WriteBatch): Promise<WriteResult> {
    this.assertOpen();
    const { epoch, head: before } = this.data;
    if (batch.epoch !== epoch) {
      return { epoch, applied: false, before, head: before, appended: [], settled: [], dropped: [] };
    }
    this.now = Math.max(this.data.lastTime, this.clock.now());
    const settled = batch.settle.map((settlement) => this.settle(settlement));
    const appended = batch.append.map((message) => this.append(message));
    for (const cursor of batch.commitCursors) this.data.cursors.set(cursor.name, structuredClone(cursor));
    for (const name of batch.deleteCursors) this.data.cursors.delete(name);
    const dropped = this.trim();
    return { epoch, applied: true, before, head: this.data.head, appended, settled, dropped };
  }

  async read({ epoch, filter, range, limit, maxBytes, state }: ReadQuery): Promise<HistoryPage> {
    this.assertOpen();
    const head = { epoch: this.data.epoch, position: this.data.head };
    if (epoch !== head.epoch) return { ...head, messages: [], through: 0, trimmed: [], reasons: [] };
    const forwards = 'after' in range;
    const rows = this.rowsOf(filter, state).filter(({ message: { position } }) =>
      forwards ? position > range.after : position < range.before,
    );
    if (!forwards) rows.reverse();
    let bytes = 0;
    const page = rows.slice(0, limit).filter(({ message: { body, attributes = '' } }) => {
      const fits = bytes <= maxBytes;
      bytes += body.length + attributes.length;
      return fits;
    });
    const last = page.length < rows.length ? page.at(-1)?.message.position : undefined;
    if (!forwards) page.reverse();
    return {
      ...head,
      messages: page.map(({ message }) => message),
      through: last ?? (forwards ? head.position : 0),
      trimmed: forwards ? this.marksOf(filter, range.after) : [],
      reasons: state === 'dead' ? page.map(({ reason }) => reason) : [],
    };
  }

  async locate({ epoch, filter, from }: LocateQuery): Promise<Located> {
    this.assertOpen();
    const head = { epoch: this.data.epoch, position: this.data.head };
    if (epoch !== head.epoch) return { ...head, start: 0, trimmed: [] };
    const rows = this.rowsOf(filter, 'live');
    let first = rows[0];
    if ('last' in from) first = from.last === 0 ? undefined : rows.at(-Math.min(from.last, rows.length));
    if ('since' in from) first = rows.find(({ message }) => message.time >= from.since);
    const start = first === undefined ? head.position : first.message.position - 1;
    return { ...head, start, trimmed: this.marksOf(filter, start) };
  }

  async loadCursor(name: string): Promise<NamedCursor | undefined> {
    this.assertOpen();
    return this.data.cursors.get(name);
  }

  async summarize(topic: string): Promise<TopicSummary> {
    this.assertOpen();
    const live = this.rowsOf([topic], 'live');
    const dead = this.rowsOf([topic], 'dead').length;
    return { count: live.length, dead, first: live[0]?.message.position, last: live.at(-1)?.message.position };
  }

  close(): Promise<void> {
    this.closing ??= this.end();
    return this.closing;
  }

  protected async end(): Promise<void> {
    this.state = 'closed';
  }

  protected assertOpen(): void {
    if (this.state === 'open') return;
    if (this.closing !== undefined) throw new HexbusError('HEXBUS_CLOSED', 'this history is closed; create another');
    throw new HexbusError('HEXBUS_NOT_OPEN', 'this history is not open yet; await open() first');
  }

  protected settle(settlement: Settlement): boolean {
    const { outcome, topic, position } = settlement;
    const needed = outcome === 'handled' || outcome === 'dead' ? 'live' : 'dead';
    const index = this.data.rows.findIndex(({ message, state }) => message.position === position && state === needed);
    const row = this.data.rows[index];
    if (row?.message.topic !== topic || !this.retention.isHeld(topic)) return false;
    if (outcome === 'dead') this.data.rows[index] = { ...row, state: 'dead', reason: settlement.reason };
    else if (outcome === 'requeue') this.data.rows[index] = { ...row, state: 'live', reason: '' };
    else this.data.rows.splice(index, 1);
    return true;
  }

  protected append({ deduplicate, ...rest }: NewMessage): AppendResult {
    const { topic, id } = rest;
    const first = deduplicate ? this.remembered(topic, id) : undefined;
    if (first !== undefined) return { status: 'duplicate', position: first.position, time: first.time };
    const policy = this.retention.policyOf(topic);
    if (policy?.kind === 'until-handled' && policy.overflow === 'reject') {
      if (this.rowsOf([topic], 'live').length >= policy.maxCount) return { status: 'refused', reason: 'topic-full' };
    }
    this.data.head += 1;
    this.data.lastTime = this.now;
    const position = this.data.head;
    const time = this.now;
    this.data.rows.push({ message: { ...rest, position, time }, state: 'live', reason: '' });
    if (deduplicate) this.data.remembered.push({ topic, id, position, time });
    return { status: 'appended', position, time };
  }

  protected remembered(topic: string, id: string): MinimalData['remembered'][number] | undefined {
    const { maxIds, maxAgeMs } = this.window;
    const valid = this.data.remembered.slice(-maxIds).filter(({ time }) => time >= this.now - maxAgeMs);
    return valid.find((each) => each.topic === topic && each.id === id);
  }

  /** Removes what the limits no longer allow; returns what of it was waiting on held topics. */
  protected trim(): DroppedMessage[] {
    const dropped: DroppedMessage[] = [];
    for (const topic of new Set(this.data.rows.map(({ message }) => message.topic))) {
      const policy = this.retention.policyOf(topic);
      const live = this.rowsOf([topic], 'live');
      if (policy === undefined) continue;
      const bounded = policy.kind === 'limits' || policy.overflow === 'drop-oldest';
      const excess = bounded ? live.length - policy.maxCount : 0;
      const oldest = this.now - policy.maxAgeMs;
      const gone = live.filter(({ message }, index) => index < excess || message.time < oldest);
      for (const { message } of gone) {
        this.data.marks.set(topic, Math.max(message.position, this.data.marks.get(topic) ?? 0));
        if (policy.kind === 'until-handled') dropped.push({ topic, position: message.position, id: message.id });
      }
      this.data.rows = this.data.rows.filter((row) => !gone.includes(row));
    }
    return dropped.sort((one, two) => one.position - two.position);
  }

  protected rowsOf(filter: Filter, state: Row['state']): Row[] {
    const matcher = createTopicMatcher(filter, this.retention);
    return this.data.rows.filter((row) => row.state === state && matcher.matches(row.message.topic));
  }

  protected marksOf(filter: Filter, after: number): TrimMark[] {
    const matcher = createTopicMatcher(filter, this.retention);
    const marks = [...this.data.marks].map(([topic, through]) => ({ topic, through }));
    return marks.filter(({ topic, through }) => through > after && matcher.matches(topic));
  }
}

export function emptyData(epoch: string): MinimalData {
  return { epoch, head: 0, lastTime: 0, rows: [], marks: new Map(), remembered: [], cursors: new Map() };
}
