import { type Clock, type Head, HexbusError, type OpenHistoryOptions, type Randomness } from '@hexbus/core';
import type { HistoryContext, HistoryStoreAdapter } from '@hexbus/testkit';
import { emptyData, type MinimalData, MinimalHistory } from './minimal-history.ts';

/** What stands in for a disk: the data of each place, and which store has it open. */
export interface Place {
  data: MinimalData;
  owner: DurableMinimal | undefined;
}

/** The minimal history on a place: it outlives the store, and only one store has it open. */
export class DurableMinimal extends MinimalHistory {
  override readonly name: string = 'minimal, durable';
  override readonly capabilities = { durable: true };
  readonly place: Place;

  constructor(clock: Clock, randomness: Randomness, place: Place) {
    super(clock, randomness, place.data);
    this.place = place;
  }

  override async open(options: OpenHistoryOptions): Promise<Head> {
    if (this.state === 'idle' && this.closing === undefined) {
      if (this.place.owner !== undefined)
        throw new HexbusError('HEXBUS_HISTORY_IN_USE', 'another bus has this place open');
      if (options.signal?.aborted !== true) this.place.owner = this;
    }
    return super.open(options);
  }

  protected override async end(): Promise<void> {
    this.leave();
    await super.end();
  }

  /** The place becomes free, as after a crash. */
  leave(): void {
    if (this.place.owner === this) this.place.owner = undefined;
  }
}

type StoreClass = new (clock: Clock, randomness: Randomness, place: Place) => DurableMinimal;

/** The adapter of a durable store class, with places of its own. */
export function durableMinimal(Store: StoreClass = DurableMinimal): HistoryStoreAdapter {
  const places = new Map<string, Place>();
  const create = ({ clock, randomness, place: name }: HistoryContext): DurableMinimal => {
    const place = places.get(name) ?? { data: emptyData(randomness.id()), owner: undefined };
    places.set(name, place);
    return new Store(clock, randomness, place);
  };
  return {
    name: 'minimal, durable',
    create,
    reopen: create,
    crash: (store) => (store as DurableMinimal).leave(),
    dispose: ({ place }) => void places.delete(place),
  };
}
