import { EventSource } from 'eventsource';
import { onTestFinished } from 'vitest';
import { Watch } from './watch.ts';

/** A message, as the frame of it says: `[5, cursor, topic, type, body, more]`. */
interface Heard {
  readonly topic: string;
  readonly body: unknown;
}

/** What a page hears with an EventSource and nothing else. Closed after the test. */
export class BareStream {
  readonly source: EventSource;
  readonly watch: Watch = new Watch();
  readonly heard: Heard[] = [];
  /** Which other events came. */
  readonly signals: string[] = [];
  /** When it was told to come back, each time that it was sent away. */
  readonly pausesMs: number[] = [];
  /** The status that ended it for ever. */
  refused: number | undefined;
  openings = 0;

  /** `query`: which topics, and from where. */
  constructor(port: number, query: string) {
    this.source = new EventSource(`http://127.0.0.1:${port}/hexbus/sse?${query}`);
    const { source, watch } = this;
    onTestFinished(() => source.close());
    source.onmessage = ({ data }) => {
      const [, , topic, , body] = JSON.parse(data) as [5, string | null, string, string | null, unknown];
      this.heard.push({ topic, body });
      watch.changed();
    };
    source.onopen = () => {
      this.openings += 1;
      watch.changed();
    };
    source.onerror = ({ code }) => {
      if (source.readyState === source.CLOSED) this.refused = code;
      watch.changed();
    };
    for (const name of ['gap', 'refused']) source.addEventListener(name, () => this.signals.push(name));
    source.addEventListener('bye', ({ data }) => {
      const [, { afterMs }] = JSON.parse(data) as [16, { afterMs: number }];
      this.pausesMs.push(afterMs);
    });
  }

  /** The bodies under a topic. */
  log(topic: string): readonly unknown[] {
    return this.heard.filter((one) => one.topic === topic).map(({ body }) => body);
  }

  /** All that came on topics that are no addresses. */
  get flow(): readonly unknown[] {
    return this.heard.filter(({ topic }) => !topic.startsWith('@')).map(({ body }) => body);
  }
}
