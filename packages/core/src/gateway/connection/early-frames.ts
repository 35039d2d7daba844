/** How many frames may come behind HELLO before it is answered, and how many characters of them. */
const maxFrames = 64;
const maxLength = 262_144;

/** What comes behind HELLO, while it is being looked at who says it. */
export class EarlyFrames {
  readonly #texts: string[] = [];
  #length = 0;

  /** In the order in which they came. */
  get texts(): readonly string[] {
    return this.#texts;
  }

  /** False when it is too much. */
  add(text: string): boolean {
    this.#texts.push(text);
    this.#length += text.length;
    return this.#texts.length <= maxFrames && this.#length <= maxLength;
  }
}
