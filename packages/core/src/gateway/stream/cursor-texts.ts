import { formatCursor } from '../../cursor.ts';
import type { RetainedMessage } from '../../message.ts';

/** Cursors of messages as text. One message goes to many clients in a row, so the last text is kept. */
export class CursorTexts {
  #message: RetainedMessage | undefined;
  #epoch = '';
  #text = '';

  of(message: RetainedMessage, epoch: string): string {
    if (message !== this.#message || epoch !== this.#epoch) {
      this.#message = message;
      this.#epoch = epoch;
      this.#text = formatCursor(epoch, message.position);
    }
    return this.#text;
  }
}
