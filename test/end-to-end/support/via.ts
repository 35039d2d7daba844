import type { ClientOptions } from '@hexbus/client';

/** By which transport a client comes. */
export type Via = Exclude<NonNullable<ClientOptions['transport']>, 'auto'>;

/** What every test of clients is run with. */
export const vias: readonly Via[] = ['ws', 'sse'];
