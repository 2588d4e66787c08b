/** A column of a table: its title, and a cell for each row. */
export interface Column {
  readonly title: string;
  readonly cells: readonly string[];
}

const between = 2;

const widthOf = ({ title, cells }: Column): number => Math.max(title.length, ...cells.map(({ length }) => length));
const widthOfAll = (columns: readonly Column[]): number =>
  columns.reduce((sum, column) => sum + widthOf(column) + between, -between);

/**
 * The table's columns in at most `width` columns of the terminal: those without content go first, then those titled in
 * `dispensable`, in that order and no more than necessary; at last the widest cells are cut.
 * @returns `leftOut`: titles of columns with content that aren't shown.
 */
export function fitColumns(
  columns: readonly Column[],
  width: number,
  dispensable: readonly string[],
): { readonly shown: readonly Column[]; readonly leftOut: readonly string[] } {
  if (widthOfAll(columns) <= width) return { shown: columns, leftOut: [] };
  let shown = columns.filter(({ cells }) => cells.some((cell) => cell !== "-"));
  const leftOut: string[] = [];
  for (const title of dispensable) {
    if (widthOfAll(shown) <= width) break;
    const rest = shown.filter((column) => column.title !== title);
    if (rest.length < shown.length) leftOut.push(title);
    shown = rest;
  }
  return { shown: cutWidest(shown, width), leftOut };
}

function cutWidest(columns: readonly Column[], width: number): readonly Column[] {
  const excess = widthOfAll(columns) - width;
  const widest = columns.toSorted((one, other) => widthOf(other) - widthOf(one))[0];
  if (excess <= 0 || widest === undefined) return columns;
  const room = Math.max(widest.title.length, widthOf(widest) - excess);
  const cells = widest.cells.map((cell) => (cell.length <= room ? cell : `${cell.slice(0, room - 1)}…`));
  const cut = columns.map((column) => (column === widest ? { ...widest, cells } : column));
  // A title is never cut: a table of so many columns has no narrower form.
  return room === widthOf(widest) ? columns : cutWidest(cut, width);
}
