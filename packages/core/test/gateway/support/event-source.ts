import type { Admission, Frame } from '@hexbus/core/gateway';
import { decodeServerFrame } from '@hexbus/core/wire';
import { lineOf } from './lines.ts';
import type { World } from './use-gateways.ts';

/** A client that only listens, as a browser's `EventSource` does: it keeps the last id, and brings it back. It connects when it is told to. */
export interface TestEventSource {
  /** The id that it would bring back. */
  id: string;
  /** Who it is at its next connection. */
  user: string | undefined;
  /** Connects, once what it had is cut, and waits for what comes first. */
  connect(): Promise<Admission>;
  cut(): Promise<void>;
  closed(): Promise<{ readonly code: number; readonly reason: string }>;
  /** As it never should. */
  say(text: string): void;
  /** The frames since the last call. */
  frames(): readonly Frame[];
  /** The same, one short text a frame. */
  lines(): readonly string[];
  /** What WELCOME said. */
  readonly welcome: { readonly session: string; readonly connection: string; readonly resumed: boolean };
}

export function createEventSource(world: World, query: string, user?: string): TestEventSource {
  let stream: ReturnType<World['streams']['connect']> | undefined;
  let welcome: TestEventSource['welcome'] | undefined;
  let waiting: Frame[] = [];

  function take(): void {
    for (const frame of stream?.take() ?? []) {
      waiting.push(frame);
      source.id = frame.cursor ?? source.id;
      const told = decodeServerFrame(frame.text);
      if (told.kind === 'welcome') welcome = told.welcome;
    }
  }

  const source: TestEventSource = {
    id: '',
    user,
    async connect() {
      await source.cut();
      const { id } = source;
      const headers = source.user === undefined ? {} : { user: source.user };
      stream = world.streams.connect({
        url: `/hexbus/sse${query}`,
        headers: { ...headers, ...(id === '' ? {} : { 'last-event-id': id }) },
      });
      const admission = await stream.answer;
      await stream.begun;
      await world.clock.runAll();
      take();
      return admission;
    },
    async cut() {
      take();
      stream?.cut();
      await world.clock.runAll();
    },
    closed: () => stream!.closed,
    say: (text) => stream?.say(text),
    frames() {
      take();
      const taken = waiting;
      waiting = [];
      return taken;
    },
    lines: () => source.frames().map(({ text }) => lineOf(decodeServerFrame(text))),
    get welcome() {
      take();
      if (welcome === undefined) throw new Error('it was not let in');
      return welcome;
    },
  };
  return source;
}
