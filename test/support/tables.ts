/** The rows of the tables below a heading of a page, up to the next heading, as texts of their cells; head rows included, ruling rows not. */
export function tablesBelow(markdown: string, heading: string): string[][][] {
  const lines = markdown.split('\n');
  const start = lines.indexOf(heading);
  if (start < 0) throw new Error(`there is no heading "${heading}"`);
  const end = lines.findIndex((line, index) => index > start && /^#{1,6} /.test(line));
  const tables: string[][][] = [];
  let inTable = false;
  for (const line of lines.slice(start + 1, end < 0 ? undefined : end)) {
    const isRow = line.startsWith('|');
    if (isRow && !inTable) tables.push([]);
    inTable = isRow;
    if (isRow && !/^[|\s:-]+$/.test(line)) tables.at(-1)?.push(cellsOf(line));
  }
  return tables;
}

function cellsOf(line: string): string[] {
  return line
    .trim()
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim());
}

/** The first two cells of the rows that a table of these defaults has, those of a group as `group.name`. */
export function defaultRows(defaults: object, group = ''): string[][] {
  return Object.entries(defaults).flatMap(([name, value]: [string, unknown]) => {
    if (typeof value === 'object' && value !== null) return defaultRows(value, `${group}${name}.`);
    return [[`${group}${name}`, typeof value === 'number' ? value.toLocaleString('en-US') : `\`'${value}'\``]];
  });
}
