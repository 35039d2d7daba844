import type { Message, RetainedMessage } from '../message.ts';
import { assertTopic, isPattern, matchesPattern, patternsOverlap } from '../pattern.ts';
import type { RetentionPolicy } from '../ports/history-store.ts';
import type { CallOutcomes } from './endings.ts';
import type { StandardSchema, TopicSettings } from './options.ts';

/** What a topic's messages reach: the local side of a subscription, its retained side, or both. */
export interface Subscriber {
  /**
   * A message of a topic that is not retained: handle it before returning. Never throws. `deliveredWanted`: observers want to know of it. `outcomes`, if
   * given, is added how the call of a handler ends.
   */
  call(message: Message, deliveredWanted: boolean, outcomes?: CallOutcomes): void;
  /** A committed message of a retained topic, in the order of the history. Must not run a handler. Never throws. */
  push(message: RetainedMessage): void;
}

/** One topic as the bus knows it: its settings, and the subscribers that it reaches, in order of subscription. */
export interface TopicEntry {
  readonly topic: string;
  readonly retention: RetentionPolicy | undefined;
  readonly schema: StandardSchema | undefined;
  readonly subscribers: readonly Subscriber[];
}

/** What the settings say of a topic, whoever subscribes. */
type Settled = Pick<TopicEntry, 'retention' | 'schema'>;

/** The subscribers of one entry of filters: when each first came, and how often it is registered. */
type Registrations = Map<Subscriber, { readonly order: number; times: number }>;

/** How many topics are kept resolved. Past it the cache starts anew: resolving again costs little, keeping every topic for ever does not. */
const maxCachedTopics = 50_000;

/**
 * Resolves a topic to its settings and its subscribers, and remembers the answer, so that a publish costs one look-up however many topics and
 * subscriptions there are. Lists are replaced, never changed: whoever walks one sees the subscribers of that moment.
 */
export class TopicTable {
  readonly #exactSettings = new Map<string, TopicSettings>();
  readonly #patternSettings: TopicSettings[] = [];
  /** Apart from the entries, which each client that comes or goes makes void. */
  readonly #settled = new Map<string, Settled>();
  readonly #exact = new Map<string, Registrations>();
  /** By first token, so that a topic is compared with few; under `*` those that begin with a wildcard. */
  readonly #patterns = new Map<string, Map<string, Registrations>>();
  readonly #entries = new Map<string, TopicEntry>();
  /** The topics of the entries by first token, so that a pattern makes few of them void. */
  readonly #resolved = new Map<string, Set<string>>();
  #order = 0;

  constructor(settings: readonly TopicSettings[]) {
    for (const one of settings) {
      if (isPattern(one.pattern)) this.#patternSettings.push(one);
      else this.#exactSettings.set(one.pattern, one);
    }
  }

  /** The entry of a topic. Throws `HEXBUS_INVALID_TOPIC` for what is none. */
  get(topic: string): TopicEntry {
    return this.#entries.get(topic) ?? this.#resolve(topic);
  }

  isHeld(topic: string): boolean {
    return this.#settledOf(topic).retention?.kind === 'until-handled';
  }

  /** Whether some message of a topic or pattern can be in the history, outside held topics. */
  mayKeep(entry: string): boolean {
    const isLimits = ({ retention }: TopicSettings): boolean =>
      typeof retention === 'object' && retention.kind === 'limits';
    if (!isPattern(entry)) return this.#settledOf(entry).retention?.kind === 'limits';
    const overlaps = ({ pattern }: TopicSettings): boolean => patternsOverlap(pattern, entry);
    const settings = [...this.#exactSettings.values(), ...this.#patternSettings];
    return settings.some((one) => isLimits(one) && overlaps(one));
  }

  /** The subscriber is reached once by a message, also if several entries match, of one filter or of several. */
  add(filter: readonly string[], subscriber: Subscriber): void {
    const order = this.#order++;
    for (const entry of filter) {
      const table = this.#tableFor(entry);
      const registrations: Registrations = table.get(entry) ?? new Map();
      const registration = registrations.get(subscriber);
      if (registration === undefined) registrations.set(subscriber, { order, times: 1 });
      else registration.times += 1;
      table.set(entry, registrations);
      this.#forget(entry);
    }
  }

  /** Takes back one `add`. */
  remove(filter: readonly string[], subscriber: Subscriber): void {
    for (const entry of filter) {
      const table = this.#tableOf(entry);
      const registrations = table?.get(entry);
      const registration = registrations?.get(subscriber);
      if (table === undefined || registrations === undefined || registration === undefined) continue;
      registration.times -= 1;
      if (registration.times > 0) continue;
      registrations.delete(subscriber);
      if (registrations.size === 0) table.delete(entry);
      if (table.size === 0 && isPattern(entry)) this.#patterns.delete(firstOf(entry));
      this.#forget(entry);
    }
  }

  clear(): void {
    this.#exact.clear();
    this.#patterns.clear();
    this.#forgetAll();
  }

  #tableOf(entry: string): Map<string, Registrations> | undefined {
    return isPattern(entry) ? this.#patterns.get(firstOf(entry)) : this.#exact;
  }

  #tableFor(entry: string): Map<string, Registrations> {
    const table = this.#tableOf(entry) ?? new Map<string, Registrations>();
    if (isPattern(entry)) this.#patterns.set(firstOf(entry), table);
    return table;
  }

  #forget(filterEntry: string): void {
    const first = firstOf(filterEntry);
    if (first === '*') {
      this.#forgetAll();
      return;
    }
    const resolved = this.#resolved.get(first);
    if (resolved === undefined) return;
    for (const topic of isPattern(filterEntry) ? resolved : [filterEntry]) {
      this.#entries.delete(topic);
      resolved.delete(topic);
    }
    if (resolved.size === 0) this.#resolved.delete(first);
  }

  #forgetAll(): void {
    this.#entries.clear();
    this.#resolved.clear();
  }

  #resolve(topic: string): TopicEntry {
    const entry: TopicEntry = { topic, ...this.#settledOf(topic), subscribers: this.#subscribersOf(topic) };
    if (this.#entries.size >= maxCachedTopics) this.#forgetAll();
    this.#entries.set(topic, entry);
    const first = firstOf(topic);
    const resolved = this.#resolved.get(first);
    if (resolved === undefined) this.#resolved.set(first, new Set([topic]));
    else resolved.add(topic);
    return entry;
  }

  #settledOf(topic: string): Settled {
    const known = this.#settled.get(topic);
    if (known !== undefined) return known;
    assertTopic(topic);
    const patterns = this.#patternSettings.filter(({ pattern }) => matchesPattern(pattern, topic));
    const own = this.#exactSettings.get(topic);
    const settings = own === undefined ? patterns : [own, ...patterns];
    const retention = settings.find((one) => one.retention !== undefined)?.retention;
    const settled: Settled = {
      retention: retention === 'none' ? undefined : retention,
      schema: settings.find((one) => one.schema !== undefined)?.schema,
    };
    if (this.#settled.size >= maxCachedTopics) this.#settled.clear();
    this.#settled.set(topic, settled);
    return settled;
  }

  #subscribersOf(topic: string): readonly Subscriber[] {
    const tables = [this.#patterns.get(firstOf(topic)), this.#patterns.get('*')];
    const patterns = tables.flatMap((table) => (table === undefined ? [] : [...table]));
    const found = patterns.flatMap(([pattern, some]) => (matchesPattern(pattern, topic) ? [some] : []));
    const exact = this.#exact.get(topic);
    if (exact !== undefined) found.push(exact);
    // Those of one entry are in order already.
    if (found.length === 1) return [...(found[0] as Registrations).keys()];
    const all = found.flatMap((some) => [...some]).sort(([, a], [, b]) => a.order - b.order);
    return [...new Set(all.map(([subscriber]) => subscriber))];
  }
}

/** The first token of a topic or pattern; `*` for one that begins with either wildcard. */
function firstOf(entry: string): string {
  const [first = ''] = entry.split('.', 1);
  return first === '>' ? '*' : first;
}
