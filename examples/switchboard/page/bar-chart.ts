import { make } from './dom.ts';
import { count } from './words.ts';

const height = 40;
/** Keeps the highest bar off the edge. */
const headroom = 1.1;

/** Bars over time, the newest on the right, with what is now in words. Several series stand on top of each other. */
export class BarChart {
  readonly element: HTMLElement;
  readonly #title: string;
  readonly #size: number;
  readonly #now: HTMLElement;
  readonly #top: HTMLElement;
  readonly #svg: SVGSVGElement;
  readonly #paths: readonly SVGPathElement[];

  /** `series` are classes, by which the style sheet gives them their colours. */
  constructor(title: string, series: readonly string[], size: number) {
    this.#title = title;
    this.#size = size;
    this.#now = make('strong');
    this.#top = make('small');
    this.#svg = svg('svg', {
      viewBox: `0 0 ${size} ${height}`,
      preserveAspectRatio: 'none',
      role: 'img',
      'aria-label': title,
    });
    this.#paths = series.map((name) => svg('path', { class: `bar ${name}` }));
    this.#svg.append(...this.#paths);
    const caption = make('figcaption', {}, make('span', {}, title), this.#top, this.#now);
    this.element = make('figure', { class: 'chart' }, caption, this.#svg);
  }

  /** For each moment one value of each series, oldest first. */
  draw(moments: readonly (readonly number[])[], now: string): void {
    const sums = moments.map((values) => values.reduce((sum, value) => sum + value, 0));
    const top = Math.max(0, ...sums);
    const full = Math.max(1, top) * headroom;
    this.#now.textContent = now;
    this.#top.textContent = `highest ${count(top)}`;
    this.#svg.setAttribute('aria-label', `${this.#title}: ${now}; at most ${count(top)} in the last minute`);
    const first = this.#size - moments.length;
    this.#paths.forEach((path, series) => {
      const bars = moments.map((values, index) => {
        const below = values.slice(0, series).reduce((sum, value) => sum + value, 0);
        return bar(first + index, below / full, (values[series] ?? 0) / full);
      });
      path.setAttribute('d', bars.join(''));
    });
  }
}

/** A bar in column `x`; its foot and its length as parts of the height. */
function bar(x: number, foot: number, length: number): string {
  if (length === 0) return '';
  const y = height * (1 - foot);
  return `M${x + 0.12} ${y}h.76v${-height * length}h-.76z`;
}

function svg<Name extends keyof SVGElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string>>,
): SVGElementTagNameMap[Name] {
  const element = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}
