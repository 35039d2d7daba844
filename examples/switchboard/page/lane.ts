import { make } from './dom.ts';
import { count, plural } from './words.ts';

type CellState = 'now' | 'late' | 'missing';

interface Cell {
  readonly number: number;
  readonly state: CellState;
  readonly position?: number | undefined;
}

const meanings: Readonly<Record<CellState, string>> = {
  now: 'came at once',
  late: 'came later',
  missing: 'never came',
};

/** A strip of the last numbers that came, in order of arrival. A number that was passed over is shown as missing. */
export class Lane {
  readonly element: HTMLElement;
  readonly #strip: HTMLElement;
  readonly #summary: HTMLElement;
  readonly #losses: HTMLElement;
  readonly #nodes: readonly HTMLElement[];
  #cells: readonly Cell[] = [];
  #missing = 0;
  #drawing = false;

  constructor(title: string, topic: string, size: number) {
    this.#nodes = Array.from({ length: size }, () => make('i', { class: 'cell' }));
    this.#strip = make('div', { class: 'strip', role: 'img', 'aria-label': 'no numbers yet' }, ...this.#nodes);
    this.#summary = make('span', { class: 'summary' });
    this.#losses = make('strong', { class: 'losses', role: 'status' }, 'nothing missing');
    const heading = make('h3', {}, `${title} `, make('code', {}, topic));
    this.element = make(
      'div',
      { class: 'lane', 'data-topic': topic },
      make('div', { class: 'lane-head' }, heading, this.#losses, this.#summary),
      this.#strip,
    );
  }

  /** Numbers count up by one. `late`: it was published before this connection began. */
  came(number: number, late: boolean, position?: number): void {
    const last = this.#cells.at(-1)?.number;
    // The server may have begun anew, with an empty folder.
    const passed = last === undefined || number <= last ? 0 : number - last - 1;
    this.#missing += passed;
    const size = this.#nodes.length;
    const missing = Array.from({ length: Math.min(passed, size) }, (_, index): Cell => {
      return { number: number - Math.min(passed, size) + index, state: 'missing' };
    });
    const state = late ? 'late' : 'now';
    this.#cells = [...this.#cells, ...missing, { number, state, position } as const].slice(-size);
    this.#drawSoon();
  }

  explain(text: string): void {
    this.#losses.title = text;
  }

  /** Numbers may come faster than a screen can show them. */
  #drawSoon(): void {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      this.#draw();
    });
  }

  #draw(): void {
    const empty = this.#nodes.length - this.#cells.length;
    this.#cells.forEach(({ number, state, position }, index) => {
      const node = this.#nodes[empty + index];
      if (node === undefined) return;
      node.className = `cell ${state}`;
      node.dataset['number'] = String(number);
      node.title = `${count(number)} ${meanings[state]}${position === undefined ? '' : `, position ${count(position)}`}`;
    });
    const [first, last] = [this.#cells[0], this.#cells.at(-1)];
    const place = last?.position === undefined ? '' : ` · position ${count(last.position)}`;
    this.#summary.textContent = `${count(first?.number ?? 0)} to ${count(last?.number ?? 0)}${place}`;
    const losses = this.#missing === 0 ? 'nothing missing' : `${count(this.#missing)} missing`;
    if (this.#losses.textContent !== losses) this.#losses.textContent = losses;
    this.#losses.classList.toggle('some', this.#missing > 0);
    this.#strip.setAttribute('aria-label', `${plural(this.#cells.length, 'number')}, ${losses}`);
  }
}
