import { type Bus, createBus, type HistoryStore, isHexbusError } from '@hexbus/core';
import { createMemoryHistory } from '@hexbus/store-memory';

/** A bus that stands in a state until it is released. */
export interface HeldBus {
  readonly bus: Bus;
  /** Lets go of whatever keeps the bus in its state. */
  release(): void;
}

class Gate {
  readonly passed: Promise<void>;
  #open: () => void = () => undefined;

  constructor() {
    this.passed = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  open(): void {
    this.#open();
  }
}

/** Brings a new bus into the state that a column of the guide's table names. */
export async function busIn(state: string, withHistory: boolean): Promise<HeldBus> {
  const gate = new Gate();
  const bus = withHistory ? busWithHistory(state, gate) : createBus();
  const release = (): void => gate.open();
  if (state === 'idle') return { bus, release };
  const opening = withHistory ? bus.open() : Promise.resolve();
  // Whoever closes the bus while it opens hears of it by another call of open.
  opening.catch(() => undefined);
  if (state === 'opening') return { bus, release };
  await opening;
  if (state === 'busy') await startHandler(bus, withHistory ? 'kept' : 'fleeting', gate);
  if (state === 'busy' || state === 'closing') void bus.close();
  if (state === 'closed') await bus.close();
  return { bus, release };
}

/** How a call ended: `yes`, or the code of its error without the prefix. */
export async function outcomeOf(call: () => unknown): Promise<string> {
  try {
    await call();
    return 'yes';
  } catch (error) {
    if (isHexbusError(error)) return error.code.replace('HEXBUS_', '');
    throw error;
  }
}

function busWithHistory(state: string, gate: Gate): Bus {
  return createBus({
    history: gatedHistory(state, gate),
    topics: { kept: { retain: { maxCount: 10 } }, held: { retain: 'until-handled' } },
  });
}

/** Opens, or closes, only when the gate is open. */
function gatedHistory(state: string, gate: Gate): HistoryStore {
  const history = createMemoryHistory();
  const open: HistoryStore['open'] = async (options) => {
    const head = await history.open(options);
    if (state === 'opening') await gate.passed;
    return head;
  };
  const close: HistoryStore['close'] = async () => {
    if (state === 'closing') await gate.passed;
    await history.close();
  };
  const others = ['write', 'read', 'locate', 'loadCursor', 'summarize'] as const;
  const rest = Object.fromEntries(others.map((verb) => [verb, history[verb].bind(history)])) as unknown as HistoryStore;
  return { ...rest, name: 'gated', capabilities: history.capabilities, open, close };
}

/** Resolves when a handler runs that ends only when the gate is open. */
async function startHandler(bus: Bus, topic: string, gate: Gate): Promise<void> {
  const started = new Gate();
  bus.subscribe(topic, async () => {
    started.open();
    await gate.passed;
  });
  await bus.publish(topic, 0);
  await started.passed;
}
