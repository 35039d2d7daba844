import { type CursorParts, isHexbusError, parseCursor, type Receipt } from '@hexbus/core';
import type { Checks } from './checks.ts';
import type { Ledger } from './ledger.ts';

/** One call of `publish`, and how it ended. */
export interface Publish {
  readonly serial: number;
  readonly topic: string;
  /** An id that the test gave; such ids are used more than once. */
  readonly id: string | undefined;
  /** False once the program that waits for the answer is gone. */
  readonly isAwaited: () => boolean;
  receipt?: Receipt;
  error?: unknown;
}

/** With which publishes are taken back. */
export const withdrawn: Error = new Error('withdrawn');

/** Compares what publishers are told with the ledger. */
export class PublishAudit {
  readonly #ledger: Ledger;
  readonly #checks: Checks;
  readonly #all: Publish[] = [];
  readonly #lastAppended = new Map<string, number>();

  constructor(ledger: Ledger, checks: Checks) {
    this.#ledger = ledger;
    this.#checks = checks;
  }

  /** Serials are given in the order of the calls. */
  called(topic: string, id: string | undefined, isAwaited: () => boolean): Publish {
    const publish: Publish = { serial: this.#all.length + 1, topic, id, isAwaited };
    this.#all.push(publish);
    return publish;
  }

  resolved(publish: Publish, receipt: Receipt): void {
    publish.receipt = receipt;
    const { serial, topic, id } = publish;
    const { epoch, position } = cursorOf(receipt);
    const entry = this.#ledger.find(epoch, position);
    const ok =
      entry !== undefined &&
      receipt.position === position &&
      entry.topic === topic &&
      receipt.topic === topic &&
      entry.id === receipt.id &&
      (id === undefined || receipt.id === id) &&
      (receipt.duplicate ? id !== undefined && entry.serial !== serial : entry.serial === serial);
    this.#checks.hold(
      'P9',
      ok,
      () =>
        `publish ${serial} was answered ${JSON.stringify(receipt)}, where ${entry === undefined ? 'nothing' : `message ${entry.serial}, ${entry.id} of ${entry.topic}`} is`,
    );
  }

  rejected(publish: Publish, error: unknown): void {
    publish.error = error;
    this.#checkRejected(publish);
  }

  /** Messages were appended, these serials in this order. */
  appended(epoch: string): void {
    const entries = this.#ledger.entries(epoch);
    const last = this.#lastAppended.get(epoch) ?? 0;
    for (let index = last; index < entries.length; index++) {
      const [one, two] = [entries[index - 1], entries[index]!];
      this.#checks.hold(
        'P8',
        one === undefined || one.serial < two.serial,
        () => `message ${two.serial} stands after ${one?.serial}, though it was published earlier`,
      );
    }
    this.#lastAppended.set(epoch, entries.length);
  }

  /** Nothing is under way. */
  atRest(): void {
    for (const publish of this.#all) {
      const settled = publish.receipt !== undefined || publish.error !== undefined || !publish.isAwaited();
      this.#checks.hold('P10', settled, () => `publish ${publish.serial} was never answered`);
      if (publish.error !== undefined) this.#checkRejected(publish);
    }
    this.#checkIds();
  }

  get count(): number {
    return this.#all.length;
  }

  /** The highest position that the first `count` publishes got in an epoch; undefined while one of them waits for its answer. */
  positionOf(count: number, epoch: string): number | undefined {
    let highest = 0;
    for (const { receipt, error, isAwaited } of this.#all.slice(0, count)) {
      if (receipt === undefined && error === undefined && isAwaited()) return undefined;
      const cursor = receipt === undefined ? undefined : cursorOf(receipt);
      if (cursor?.epoch === epoch) highest = Math.max(highest, cursor.position);
    }
    return highest;
  }

  outcomes(): readonly string[] {
    return this.#all.map(({ serial, receipt, error }) => {
      if (receipt !== undefined) return `${serial}: ${receipt.position}${receipt.duplicate ? ' duplicate' : ''}`;
      return `${serial}: ${isHexbusError(error) ? error.code : String(error)}`;
    });
  }

  #checkRejected({ serial, error }: Publish): void {
    if (isHexbusError(error, 'HEXBUS_OUTCOME_UNKNOWN')) return;
    this.#checks.hold(
      'P10',
      isHexbusError(error) || error === withdrawn,
      () => `publish ${serial} was rejected with ${String(error)}`,
    );
    const found = this.#ledger.ofSerial(serial);
    this.#checks.hold(
      'P10',
      found.length === 0,
      () => `publish ${serial} was rejected with ${String(error)}, but is in the history`,
    );
  }

  #checkIds(): void {
    const byId = new Map<string, { readonly position: number; firsts: number }>();
    for (const { serial, topic, id, receipt } of this.#all) {
      if (id === undefined || receipt === undefined) continue;
      const { epoch, position } = cursorOf(receipt);
      const key = `${epoch} ${topic} ${id}`;
      const known = byId.get(key);
      const first = receipt.duplicate ? 0 : 1;
      if (known === undefined) byId.set(key, { position, firsts: first });
      else {
        known.firsts += first;
        const ok = known.position === position && known.firsts <= 1;
        this.#checks.hold(
          'P26',
          ok,
          () =>
            `publish ${serial} with id ${id} on ${topic} got ${position}, duplicate ${receipt.duplicate}; others of that id got ${known.position}`,
        );
      }
    }
    for (const epoch of new Set([...byId.keys()].map((key) => key.split(' ')[0]!))) {
      const seen = new Set<string>();
      for (const { id, topic } of this.#ledger.entries(epoch)) {
        const key = `${topic} ${id}`;
        this.#checks.hold('P26', !seen.has(key), () => `two messages of ${topic} have the id ${id}`);
        seen.add(key);
      }
    }
  }
}

function cursorOf(receipt: Receipt): CursorParts {
  return parseCursor(receipt.cursor);
}
