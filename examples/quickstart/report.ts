import type { Message, TopicStats } from '@hexbus/core';
import { lineOf } from './publish.ts';
import type { BadLine } from './record.ts';

export interface Summary {
  readonly input: string;
  /** Good records in the input, and bad lines. */
  readonly records: number;
  readonly bad: number;
  readonly published: number;
  readonly publishedBefore: number;
  readonly publishedPerSecond: number;
  readonly handled: number;
  readonly handledPerSecond: number;
  /** The last record that the listener had handled at earlier starts. */
  readonly resumedBehind: string | null;
  /** Records that no listener has handled yet; null when none was loaded. */
  readonly waiting: number | null;
  readonly interrupted: boolean;
  readonly database: string;
}

const progressEvery = 10_000;
const maxRows = 8;
const maxColumns = 110;

/** Says on the terminal what happens: the story on standard output, progress and problems on standard error. */
export class Report {
  readonly #json: boolean;
  readonly #show: number;
  readonly #progressShown = new Map<string, number>();
  #progressOpen = false;

  constructor({ json, show }: { readonly json: boolean; readonly show: number }) {
    this.#json = json;
    this.#show = show;
  }

  heading(text: string): void {
    this.say(`\n${text}`);
  }

  say(text: string): void {
    this.#closeProgress();
    (this.#json ? process.stderr : process.stdout).write(`${text}\n`);
  }

  problem(text: string): void {
    this.#closeProgress();
    process.stderr.write(`${text}\n`);
  }

  badLine(input: string, { line, reason }: BadLine): void {
    this.problem(printable(`${input}:${line}: ${reason}`));
  }

  /** A terminal sees one line that changes; a file or another program gets a line now and then. */
  progress(verb: string, count: number): void {
    const reached = Math.floor(count / progressEvery);
    if (reached === (this.#progressShown.get(verb) ?? 0)) return;
    this.#progressShown.set(verb, reached);
    const text = `  ${verb} ${formatted(count)} ...`;
    this.#progressOpen = process.stderr.isTTY;
    process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : `${text}\n`);
  }

  arrived(message: Message, handled: number): void {
    if (handled <= this.#show) this.message(message);
    else if (handled === this.#show + 1) this.say('  ...');
    this.progress('handled', handled);
  }

  message({ id, topic, body }: Message): void {
    const text = printable(`  ${String(lineOf(id)).padStart(9)}  ${topic}  ${JSON.stringify(withoutType(body))}`);
    this.say(text.length <= maxColumns ? text : `${text.slice(0, maxColumns - 3)}...`);
  }

  resumed({ id, sender = 'its input' }: Message, handled: number): void {
    const nothing = handled === 0 ? ' Nothing waited there.' : '';
    this.say(`  It went on behind line ${formatted(lineOf(id))} of ${sender}, where it had stopped.${nothing}`);
  }

  counts(counts: ReadonlyMap<string, number>): void {
    for (const [topic, count] of [...counts].slice(0, maxRows)) {
      this.say(`  ${formatted(count).padStart(9)}  ${topic}`);
    }
    if (counts.size > maxRows) this.say(`  and ${formatted(counts.size - maxRows)} more topics`);
  }

  held({ topic, waiting }: TopicStats): void {
    this.say(`  ${formatted(waiting).padStart(9)}  ${topic}  (a held topic: each is removed when it was handled)`);
  }

  summary(summary: Summary): void {
    this.#closeProgress();
    if (this.#json) {
      process.stdout.write(`${JSON.stringify(summary)}\n`);
      return;
    }
    const { records, bad, published, publishedBefore, handled, waiting } = summary;
    const before = publishedBefore === 0 ? '' : `, ${formatted(publishedBefore)} published before`;
    this.heading('Summary');
    this.say(`  input      ${counted(records, 'record')}, ${counted(bad, 'bad line')}${before}`);
    this.say(`  published  ${formatted(published)}${rate(summary.publishedPerSecond)}`);
    this.say(`  handled    ${formatted(handled)}${rate(summary.handledPerSecond)}`);
    this.say(`  waiting    ${waiting === null ? 'for a start with a listener' : formatted(waiting)}`);
    this.say(`  history    ${summary.database}`);
    if (published + handled === 0 && !summary.interrupted) {
      this.say('\nEverything was done at earlier starts. To see the listener go on where it stopped:');
      this.say('  npm run quickstart -- --reset --stop-after 500');
      this.say('  npm run quickstart');
    }
  }

  #closeProgress(): void {
    if (this.#progressOpen) process.stderr.write('\r\x1b[K');
    this.#progressOpen = false;
  }
}

/** `1 record`, `2,094 records`. */
export function counted(count: number, noun: string): string {
  return `${formatted(count)} ${noun}${count === 1 ? '' : 's'}`;
}

export function formatted(count: number): string {
  return count.toLocaleString('en');
}

/** Input must not be able to command the terminal. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '?');
}

/** The topic tells it already. */
function withoutType(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || !('type' in body)) return body;
  const { type: _, ...rest } = body;
  return rest;
}

function rate(perSecond: number): string {
  return perSecond === 0 ? '' : `, ${formatted(perSecond)} a second`;
}
