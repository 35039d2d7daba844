/** Ends a timer; calling it again, or after the timer ran, does nothing. */
export type CancelTimer = () => void;

/** Time and turns as hexbus sees them. Tests pass a virtual one, so that nothing in hexbus asks the machine for the time itself. */
export interface Clock {
  /** Milliseconds since 1970. May step back; whoever needs rising times holds the last one. */
  now(): number;
  /** Runs `callback` once after `delayMs`. The timer alone keeps a process alive only with `keepAlive`, which is for work that ends by itself. */
  setTimer(callback: () => void, delayMs: number, keepAlive?: boolean): CancelTimer;
  /** Runs `callback` in the next turn, that is after the present macrotask and its microtasks. Keeps the process alive until then. */
  nextTurn(callback: () => void): void;
}

/** A number in browsers. */
interface Timer {
  unref?(): unknown;
}

interface TimerGlobals {
  setImmediate?: (callback: () => void) => unknown;
  setTimeout(callback: () => void, delayMs: number): Timer;
  clearTimeout(timer: Timer): void;
}

/** Platforms take a longer delay for none at all. */
const maxTimerMs = 2 ** 31 - 1;

/** The machine's clock. One shared object without state of its own. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer(callback, delayMs, keepAlive = false) {
    const timers = globalThis as unknown as TimerGlobals;
    if (delayMs > maxTimerMs) {
      const goOn = (): void => {
        cancel = systemClock.setTimer(callback, delayMs - maxTimerMs, keepAlive);
      };
      let cancel = systemClock.setTimer(goOn, maxTimerMs, keepAlive);
      return () => cancel();
    }
    const timer = timers.setTimeout(callback, delayMs);
    if (!keepAlive) timer.unref?.();
    return () => timers.clearTimeout(timer);
  },
  nextTurn(callback) {
    const timers = globalThis as unknown as TimerGlobals;
    // Browsers have no setImmediate. A message channel is a macrotask without the 4 ms floor of nested timers.
    if (timers.setImmediate !== undefined) timers.setImmediate(callback);
    else if (typeof MessageChannel === 'undefined') timers.setTimeout(callback, 0);
    else {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        callback();
      };
      port2.postMessage(null);
    }
  },
};

/** Where ids and epochs come from. Tests pass a seeded one. */
export interface Randomness {
  /** 128 random bits as 32 hexadecimal digits. */
  id(): string;
  /** A number from 0 up to but not including 1, for jitter. */
  fraction(): number;
}

/** The part of `systemRandomness` that a client needs, which draws no ids: a page need not load the rest. */
export const systemFraction = (): number => Math.random();

/** Randomness from the platform, for ids from its cryptographic generator. */
export const systemRandomness: Randomness = {
  id() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  },
  fraction: systemFraction,
};
