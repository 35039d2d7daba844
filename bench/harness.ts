import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** How long a figure may take: `quick` runs each contestant just often enough to see that it runs. */
export interface Effort {
  readonly quick: boolean;
}

/** Measures one case; returns the figure in the unit of the scenario, of which less is better, or several under the names of its `measures`. */
export type Contestant = (variant: string, effort: Effort) => Measured | Promise<Measured>;

/** The figure in the unit of the scenario has the name ''. */
export type Measured = number | Readonly<Record<string, number>>;

/** What is wanted of a contestant: a figure, or its ratio to another contestant or case of the same round, of at most so much. */
export interface Goal {
  readonly contestant: string;
  readonly variant: string;
  /** Whose figure of the same round divides; without it the figure itself is compared. */
  readonly against?: { readonly contestant?: string; readonly variant?: string };
  readonly atMost: number;
  /** Where the goal comes from, if not from the project's list of goals. */
  readonly note?: string;
}

/** Contestants that do the same work, each in all `variants` of it. */
export interface Scenario {
  readonly name: string;
  /** What runs it together with others. */
  readonly group?: string;
  readonly title: string;
  readonly unit: string;
  /** What is measured and how, for the reader of the results. */
  readonly about: string;
  readonly variants: readonly string[];
  /** What each case is also measured by, with its unit. */
  readonly measures?: readonly string[];
  /** In the order of the table. The first is the floor, to which the ratios in the table are taken. */
  readonly contestants: Readonly<Record<string, Contestant>>;
  readonly goals: readonly Goal[];
  /** Rounds unless the command line asks for others: fewer where one takes long. */
  readonly rounds?: number;
}

/** The columns of a scenario: its cases, each followed by what it is also measured by. */
export function columnsOf({ variants, measures = [] }: Scenario): readonly string[] {
  return variants.flatMap((variant) => ['', ...measures].map((measure) => columnOf(variant, measure)));
}

function columnOf(variant: string, measure: string): string {
  return measure === '' ? variant : `${variant}, ${measure}`;
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** One figure per round for each contestant and variant. */
export class Figures {
  readonly #byPlace = new Map<string, number[]>();

  add(contestant: string, variant: string, figure: number): void {
    const place = `${contestant}\n${variant}`;
    const figures = this.#byPlace.get(place);
    if (figures === undefined) this.#byPlace.set(place, [figure]);
    else figures.push(figure);
  }

  of(contestant: string, variant: string): readonly number[] {
    return this.#byPlace.get(`${contestant}\n${variant}`) ?? [];
  }

  /** Ratios are taken inside each round, because the machine differs from round to round. */
  ratios(contestant: string, variant: string, against: Goal['against'] & object): readonly number[] {
    const divisors = this.of(against.contestant ?? contestant, against.variant ?? variant);
    return this.of(contestant, variant).map((figure, round) => figure / (divisors[round] ?? Number.NaN));
  }
}

export function spreadOf(figures: readonly number[]): Spread {
  const sorted = [...figures].sort((a, b) => a - b);
  const middle = sorted.length >>> 1;
  const upper = sorted[middle] ?? Number.NaN;
  const median = sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
  return { median, min: sorted[0] ?? Number.NaN, max: sorted.at(-1) ?? Number.NaN };
}

/** Runs every contestant in every variant once per round, the order rotating, each in a process of its own unless `quick`. */
export async function runRounds(
  scenario: Scenario,
  rounds: number,
  effort: Effort,
  progress: (line: string) => void,
): Promise<Figures> {
  const figures = new Figures();
  const names = Object.keys(scenario.contestants);
  for (let round = 0; round < rounds; round++) {
    for (const variant of scenario.variants) {
      for (let turn = 0; turn < names.length; turn++) {
        const name = names[(round + turn) % names.length] as string;
        const measured = effort.quick
          ? await runHere(scenario, name, variant, effort)
          : runInChild(scenario, name, variant);
        for (const [measure, figure] of Object.entries(typeof measured === 'number' ? { '': measured } : measured)) {
          figures.add(name, columnOf(variant, measure), figure);
        }
      }
    }
    progress(`${scenario.name}: round ${round + 1} of ${rounds}`);
  }
  return figures;
}

export async function runHere(scenario: Scenario, name: string, variant: string, effort: Effort): Promise<Measured> {
  const contestant = scenario.contestants[name];
  if (contestant === undefined) throw new Error(`${scenario.name} has no contestant ${name}`);
  return contestant(variant, effort);
}

const child = fileURLToPath(new URL('./child.ts', import.meta.url));

function runInChild(scenario: Scenario, name: string, variant: string): Measured {
  const args = [...process.execArgv, child, scenario.name, name, variant];
  const run = spawnSync(process.execPath, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  if (run.status !== 0) throw new Error(`${scenario.name}, ${name}, ${variant}: no figure`);
  return JSON.parse(run.stdout) as Measured;
}
