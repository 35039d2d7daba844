/** Where a part stands. It only ever moves forward; a failed opening ends in `closed`. */
export type LifecycleState = 'idle' | 'opening' | 'open' | 'closing' | 'closed';
