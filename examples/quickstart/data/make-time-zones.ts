/**
 * Makes time-zones.jsonl from the time zone files of the operating system:
 *
 *     npx node examples/quickstart/data/make-time-zones.ts > examples/quickstart/data/time-zones.jsonl
 *
 * One record for each day on which a place changed its standard time, took up summer time or gave it up, oldest first.
 */
import { readFileSync } from 'node:fs';
import { argv, stdout } from 'node:process';

interface Change {
  readonly at: number;
  readonly offset: number;
  readonly isSummer: boolean;
}

interface Zone {
  readonly name: string;
  readonly countries: readonly string[];
  readonly first: Change;
  readonly changes: readonly Change[];
  /** Whether summer time goes on after the last change. */
  readonly goesOn: boolean;
}

interface Event {
  readonly type: string;
  readonly time: string;
  readonly zone: string;
  readonly countries: readonly string[];
  readonly from: string;
  readonly to: string;
}

const directory = argv[2] ?? '/usr/share/zoneinfo';
/** A pause in summer time longer than this counts as its end. */
const longPause = 18 * 30 * 86_400;
/** The files also hold changes that are still to come. */
const lastYear = Number(argv[3] ?? 2024);

function readZones(): Zone[] {
  const table = readFileSync(`${directory}/zone1970.tab`, 'utf8');
  const rows = table.split('\n').filter((row) => row !== '' && !row.startsWith('#'));
  return rows.map((row) => {
    const [countries = '', , name = ''] = row.split('\t');
    return { name, countries: countries.split(','), ...readZoneFile(`${directory}/${name}`) };
  });
}

/** Reads the 64-bit part of a TZif file (RFC 9636). */
function readZoneFile(path: string): Pick<Zone, 'first' | 'changes' | 'goesOn'> {
  const file = readFileSync(path);
  const header = (at: number): number[] => [0, 1, 2, 3, 4, 5].map((index) => file.readInt32BE(at + 20 + 4 * index));
  const [utFlags = 0, standardFlags = 0, leaps = 0, times = 0, types = 0, letters = 0] = header(0);
  const start = 44 + times * 5 + types * 6 + letters + leaps * 8 + standardFlags + utFlags;
  const [, , , count = 0, typeCount = 0] = header(start);
  const typesStart = start + 44 + count * 9;
  const typeAt = (index: number): Pick<Change, 'offset' | 'isSummer'> => ({
    offset: file.readInt32BE(typesStart + 6 * index),
    isSummer: file[typesStart + 6 * index + 4] === 1,
  });
  const changes = Array.from({ length: count }, (_, index) => ({
    at: Number(file.readBigInt64BE(start + 44 + 8 * index)),
    ...typeAt(file[start + 44 + count * 8 + index] ?? 0),
  }));
  if (typeCount === 0) throw new Error(`${path}: no time zone file`);
  const rule = file.subarray(0, -1).toString('latin1').split('\n').at(-1) ?? '';
  return { first: { at: Number.NEGATIVE_INFINITY, ...typeAt(0) }, changes, goesOn: rule.includes(',') };
}

function eventsOf({ name, countries, first, changes, goesOn }: Zone): Event[] {
  const typeOf = (before: Change, change: Change, index: number): string | undefined => {
    if (!before.isSummer && !change.isSummer) {
      return before.offset === change.offset ? undefined : 'standard-time.changed';
    }
    if (change.isSummer && !before.isSummer && change.offset > before.offset) {
      const pause = changes.slice(0, index).findLast((_, earlier) => changes[earlier - 1]?.isSummer);
      return pause === undefined || change.at - pause.at > longPause ? 'summer-time.introduced' : undefined;
    }
    if (before.isSummer && !change.isSummer && change.offset < before.offset) {
      const next = changes.slice(index).find(({ isSummer }) => isSummer);
      const stays = next === undefined ? goesOn : next.at - change.at <= longPause;
      return stays ? undefined : 'summer-time.abolished';
    }
    return undefined;
  };
  return changes.flatMap((change, index) => {
    const before = changes[index - 1] ?? first;
    const type = typeOf(before, change, index);
    const time = new Date(change.at * 1000).toISOString().replace('.000', '');
    if (type === undefined || Number(time.slice(0, 4)) > lastYear) return [];
    return [{ type, time, zone: name, countries, from: offsetText(before.offset), to: offsetText(change.offset) }];
  });
}

/** `+05:30`; seconds only where there are some, as in the local mean times of long ago. */
function offsetText(seconds: number): string {
  const size = Math.abs(seconds);
  const parts = [size / 3600, (size / 60) % 60, size % 60].map((part) => String(Math.floor(part)).padStart(2, '0'));
  return (seconds < 0 ? '-' : '+') + (parts[2] === '00' ? parts.slice(0, 2) : parts).join(':');
}

const events = readZones().flatMap(eventsOf);
events.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : a.zone < b.zone ? -1 : 1));
stdout.write(events.map((event) => `${JSON.stringify(event)}\n`).join(''));
