import type { Bus, Message } from '@hexbus/core';
import type { Options } from './arguments.ts';
import { countRecords } from './history.ts';
import { type Input, openInput } from './input.ts';
import type { Listener } from './listener.ts';
import { type Published, publishInput } from './publish.ts';
import { counted, formatted, type Report, type Summary } from './report.ts';
import type { Events } from './topics.ts';

/** One start: publishes with no listener loaded, shows what waits, loads the listener, shows what it gets, and reads. */
export class Quickstart {
  readonly #bus: Bus<Events>;
  readonly #options: Options;
  readonly #report: Report;
  readonly #signal: AbortSignal;

  /** `signal` ends it early, in good order. */
  constructor(bus: Bus<Events>, options: Options, report: Report, signal: AbortSignal) {
    this.#bus = bus;
    this.#options = options;
    this.#report = report;
    this.#signal = signal;
  }

  async run(): Promise<Summary> {
    const { live, listen, database } = this.#options;
    const began = new Date().toISOString();
    const input = await openInput(this.#options.input, this.#signal);
    this.#report.say(`hexbus quickstart: ${input.name}`);

    let start = performance.now();
    let listener = live ? await this.#loadListener() : undefined;
    const published = await this.#publish(input);
    const publishedPerSecond = perSecond(published.published, start);

    if (!live) await this.#showWaiting(published);
    if (!live) start = performance.now();
    if (listen && !this.#signal.aborted) listener ??= await this.#loadListener();
    const last = listener === undefined ? undefined : await this.#listen(listener);
    const handled = listener?.handled() ?? 0;
    const handledPerSecond = perSecond(handled, start);

    await this.#showLast();
    await this.#leaveNote(`the run that began at ${began.replace(/\.\d+/, '')} ${this.#ending()}`);
    const cursor = listener?.records.cursor;
    return {
      input: input.name,
      records: published.records,
      bad: published.bad,
      published: published.published,
      publishedBefore: published.records - published.published,
      publishedPerSecond,
      handled,
      handledPerSecond,
      resumedBehind: last?.id ?? null,
      waiting: cursor === undefined ? null : await countRecords(this.#bus, cursor),
      interrupted: this.#signal.aborted,
      database,
    };
  }

  async #publish(input: Input): Promise<Published> {
    const report = this.#report;
    report.heading(`Publish each record to record.TYPE, ${this.#options.live ? 'live' : 'with no listener loaded'}`);
    const callbacks = {
      onBadLine: (badLine: Parameters<Report['badLine']>[1]) => report.badLine(input.name, badLine),
      onProgress: (count: number) => report.progress('published', count),
    };
    const published = await publishInput(this.#bus, input, callbacks, this.#signal);
    if (published.resumedAfter > 0) {
      report.say(`  Up to line ${formatted(published.resumedAfter)} all was published at earlier starts.`);
    }
    report.say(`  ${formatted(published.published)} published.`);
    await this.#leaveNote(
      `${input.name}: ${published.published === 0 ? 'nothing new' : `${counted(published.published, 'record')} published`}`,
    );
    return published;
  }

  async #showWaiting({ byTopic }: Published): Promise<void> {
    this.#report.heading('What waits for its listener');
    this.#report.counts(byTopic);
    this.#report.held(await this.#bus.stats('note'));
  }

  /** Only now is the module of the listener loaded, as a program does that loads its parts when they are needed. */
  async #loadListener(): Promise<Listener> {
    const report = this.#report;
    report.heading('Load the listener: it gets what waits, in order of reception');
    const { loadListener } = await import('./listener.ts');
    return loadListener(this.#bus, {
      log: this.#options.log,
      stopAfter: this.#options.stopAfter,
      signal: this.#signal,
      onRecord: (message, handled) => report.arrived(message, handled),
      onNote: ({ body, time }) => report.say(`  note of ${new Date(time).toLocaleTimeString('en-GB')}: ${body.text}`),
    });
  }

  /** Lets the listener handle what there is, and stops it. Resolves with the last record that earlier starts handled. */
  async #listen(listener: Listener): Promise<Message | undefined> {
    await listener.caughtUp();
    await listener.stop();
    const start = await listener.start;
    if (start === undefined) return undefined;
    const { messages } = await this.#bus.read('record.>', { before: start, limit: 1 });
    const last = messages[0];
    if (last !== undefined) this.#report.resumed(last, listener.handled());
    return last;
  }

  async #showLast(): Promise<void> {
    this.#report.heading('Read the history without subscribing: the last three records');
    const { messages } = await this.#bus.read('record.>', { last: 3 });
    for (const message of messages) this.#report.message(message);
  }

  /** Waits in the held topic, now or for the next start, until a listener has handled it. */
  async #leaveNote(text: string): Promise<void> {
    await this.#bus.publish('note', { text });
  }

  #ending(): string {
    return this.#signal.aborted ? 'was ended by a signal' : 'came to its end';
  }
}

function perSecond(count: number, start: number): number {
  return Math.round((count / (performance.now() - start)) * 1000);
}
