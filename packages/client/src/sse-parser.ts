/** An event of a stream. `event` is `message` where the stream names none. */
export interface SseEvent {
  readonly event: string;
  readonly data: string;
}

/**
 * Reads an event stream by the rules of WHATWG HTML, section 9.2, from texts that were cut anywhere. Ids and pauses are passed over: the
 * client has its own.
 */
export class SseParser {
  readonly #onEvent: (event: SseEvent) => void;
  /** The beginning of a line whose end did not come yet. */
  #begun = '';
  /** The last text ended with a CR, which may be the first half of a CRLF. */
  #afterCr = false;
  #event = '';
  #data: string[] = [];

  constructor(onEvent: (event: SseEvent) => void) {
    this.#onEvent = onEvent;
  }

  push(text: string): void {
    if (text === '') return;
    const lines = text.slice(this.#afterCr && text.startsWith('\n') ? 1 : 0).split(/\r\n?|\n/);
    this.#afterCr = text.endsWith('\r');
    lines[0] = this.#begun + lines[0];
    this.#begun = lines.pop() ?? '';
    for (const line of lines) this.#take(line);
  }

  #take(line: string): void {
    if (line === '') {
      const [event, data] = [this.#event, this.#data];
      this.#event = '';
      this.#data = [];
      if (data.length > 0) this.#onEvent({ event: event || 'message', data: data.join('\n') });
      return;
    }
    // A dot does not match the separators that JSON leaves as they are, hence the s.
    const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === 'event') this.#event = value;
    else if (field === 'data') this.#data.push(value);
  }
}
