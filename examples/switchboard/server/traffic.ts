import type { Bus } from '@hexbus/core';
import type { Gateway } from '@hexbus/core/gateway';
import type { OutcomeStatus } from '../shared/messages.ts';
import type { People } from './people.ts';
import type { Events } from './topics.ts';

export interface TrafficOptions {
  readonly bus: Bus<Events>;
  readonly gateway: Gateway;
  readonly people: People;
  readonly onError: (error: unknown) => void;
}

/** Publishes once a second what happened in it: messages, outcomes of requests, and how far behind the tabs are. */
export class Traffic {
  readonly #options: TrafficOptions;
  #messages = 0;
  #outcomes = noOutcomes();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: TrafficOptions) {
    this.#options = options;
    options.bus.observe('published', ({ topic }) => {
      // What the board says of itself would only blur the picture.
      if (!topic.startsWith('board.')) this.#messages += 1;
    });
    options.gateway.observe('requested', ({ status }) => {
      this.#outcomes[status === 'success' || status === 'timeout' ? status : 'error'] += 1;
    });
  }

  start(): void {
    this.#timer = setInterval(() => this.#tell(), 1_000);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #tell(): void {
    const { bus, people, onError } = this.#options;
    const second = { at: Date.now(), messages: this.#messages, behind: people.behind, outcomes: this.#outcomes };
    this.#messages = 0;
    this.#outcomes = noOutcomes();
    bus.publish('board.second', second).catch(onError);
    people.changed();
  }
}

function noOutcomes(): Record<OutcomeStatus, number> {
  return { success: 0, timeout: 0, error: 0 };
}
