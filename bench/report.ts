import { columnsOf, type Figures, type Goal, type Scenario, spreadOf } from './harness.ts';

/** What held while a scenario was run. */
export interface Conditions {
  readonly date: string;
  readonly rounds: number;
  readonly loadBefore: number;
  readonly loadAfter: number;
  readonly machine: string;
  readonly versions: string;
}

/** The section of a scenario: conditions, table and, where the figures mean something, goals. */
export function sectionOf(scenario: Scenario, figures: Figures, conditions: Conditions, withGoals: boolean): string {
  const { date, rounds, loadBefore, loadAfter, machine, versions } = conditions;
  return [
    `## ${scenario.title}`,
    scenario.about,
    `${date}; ${machine}; ${versions}; load ${loadBefore.toFixed(1)} before, ${loadAfter.toFixed(1)} after; ${rounds} ${rounds === 1 ? 'round' : 'rounds'}.`,
    tableOf(scenario, figures),
    ...(scenario.goals.length === 0 || !withGoals ? [] : [goalsOf(scenario, figures)]),
  ].join('\n\n');
}

function tableOf(scenario: Scenario, figures: Figures): string {
  const names = Object.keys(scenario.contestants);
  const columns = columnsOf(scenario);
  const floor = names[0] as string;
  const isFloor = floor.includes('(floor)');
  const rows = names.map((name) => {
    const cells = columns.map((variant) => {
      const figure = spread(figures.of(name, variant), digits);
      if (!isFloor || name === floor) return figure;
      return `${figure}<br>${spread(figures.ratios(name, variant, { contestant: floor }), ratio)}x`;
    });
    return `| ${[name, ...cells].join(' | ')} |`;
  });
  const head = `| ${[scenario.unit, ...columns].join(' | ')} |`;
  return [head, `|${' --- |'.repeat(columns.length + 1)}`, ...rows].join('\n');
}

function goalsOf(scenario: Scenario, figures: Figures): string {
  const rows = scenario.goals.map((goal) => {
    const measured = measuredFor(goal, figures);
    const { median } = spreadOf(measured);
    const verdict = median <= goal.atMost ? 'met' : '**not met**';
    const shown = spread(measured, goal.against === undefined ? digits : ratio);
    return `| ${describe(goal, scenario)} | ${shown} | ${verdict} |`;
  });
  return ['| goal | measured | |', '| --- | --- | --- |', ...rows].join('\n');
}

/** The figures or ratios, one per round, that a goal speaks of. */
export function measuredFor(goal: Goal, figures: Figures): readonly number[] {
  const { contestant, variant, against } = goal;
  return against === undefined ? figures.of(contestant, variant) : figures.ratios(contestant, variant, against);
}

function describe({ contestant, variant, against, atMost, note }: Goal, { unit }: Scenario): string {
  const whom = `${contestant}; ${variant}`;
  const other = [against?.contestant, against?.variant].filter((part) => part !== undefined).join('; ');
  const bound = against === undefined ? `${digits(atMost)} ${unit.split(' ')[0]}` : `${ratio(atMost)}x of ${other}`;
  return `${whom}: at most ${bound}${note === undefined ? '' : ` (${note})`}`;
}

function spread(figures: readonly number[], format: (figure: number) => string): string {
  const { median, min, max } = spreadOf(figures);
  return figures.length === 1 ? format(median) : `${format(median)} (${format(min)}-${format(max)})`;
}

function ratio(figure: number): string {
  return figure < 0.1 ? figure.toFixed(3) : figure < 10 ? figure.toFixed(2) : figure.toFixed(0);
}

function digits(figure: number): string {
  if (figure >= 1000) return Math.round(figure).toLocaleString('en-US');
  return figure.toFixed(figure < 10 ? 2 : figure < 100 ? 1 : 0);
}

const introduction = `# Results

Written by \`npm run bench\`; a run of some scenarios replaces the sections it ran. Each figure comes from a fresh process. Contestants are interleaved in rounds, their order rotates, and
ratios are taken inside a round. Shown: median (min-max) over the rounds; less is better; \`x\` is the ratio to the floor, which is the first row.
Absolute figures differ by machine and minute; the ratios are what to compare.
`;

/** The results with a section in place of the older one of its title, in the order of `titles`. */
export function merged(former: string, title: string, section: string, titles: readonly string[]): string {
  const all = new Map<string, string>();
  for (const part of former.split(/^(?=## )/m).slice(1)) {
    all.set(part.slice(3, part.indexOf('\n')), part.trimEnd());
  }
  all.set(title, section);
  const kept = titles.flatMap((one) => all.get(one) ?? []);
  return `${[introduction.trimEnd(), ...kept].join('\n\n')}\n`;
}
