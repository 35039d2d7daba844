import { type Positions, packPositions, unpackPositions } from './positions.ts';

/** The version of all that is written. A history refuses higher ones, and reads none lower yet. */
const formatVersion = 1;

export interface Move {
  /** Higher than that of any move that was begun before. */
  readonly number: number;
  /** The tab that gets the messages. */
  readonly to: string;
}

/** What a commit writes, in one item: everything up to here counts, and what is still to be done for it. */
export interface HeadItem {
  readonly epoch: string;
  /** Drawn at each opening, so that whoever opened before notices. */
  readonly owner: string;
  readonly position: number;
  /** The time of the last message. */
  readonly time: number;
  /** How many messages lie in the storage. Of no meaning once they are being moved. */
  readonly count: number;
  /** The messages are being moved. */
  readonly moving?: Move;
  /** Positions of messages of which only topic and id are to be kept. */
  readonly gone: readonly number[];
  /** Other items with their new texts, or null for those that are to go. */
  readonly put: readonly (readonly [item: string, text: string | null])[];
}

/** As it lies in the storage: items of positions that get the same text stand together, since a head must have room where nothing else has. */
interface PackedHead extends Omit<HeadItem, 'gone'> {
  readonly version: number;
  readonly gone: Positions;
  readonly each: readonly (readonly [kind: string, text: string | null, positions: Positions])[];
}

const numberedItem = /^([md])\/([1-9]\d*)$/;

export function formatHead({ gone, put, ...head }: HeadItem): string {
  const groups = new Map<
    string,
    { readonly kind: string; readonly text: string | null; readonly positions: number[] }
  >();
  const others: HeadItem['put'][number][] = [];
  for (const [item, text] of put) {
    const [, kind, position] = numberedItem.exec(item) ?? [];
    if (kind === undefined) {
      others.push([item, text]);
      continue;
    }
    const key = JSON.stringify([kind, text]);
    const group = groups.get(key) ?? { kind, text, positions: [] };
    groups.set(key, group);
    group.positions.push(Number(position));
  }
  const each = [...groups.values()].map(({ kind, text, positions }) => [kind, text, packPositions(positions)] as const);
  return JSON.stringify({
    version: formatVersion,
    ...head,
    gone: packPositions(gone),
    each,
    put: others,
  } satisfies PackedHead);
}

/** Undefined for a head of a newer version. */
export function parseHead(text: string): HeadItem | undefined {
  const { version, gone, each, put, ...head } = JSON.parse(text) as PackedHead;
  if (version > formatVersion) return undefined;
  const numbered = each.flatMap(([kind, changed, positions]) =>
    unpackPositions(positions).map((position) => [`${kind}/${position}`, changed] as const),
  );
  return { ...head, gone: unpackPositions(gone), put: [...numbered, ...put] };
}
