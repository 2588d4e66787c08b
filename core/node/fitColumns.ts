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

/** A letter at a time from the widest, so that none is cut more than its neighbours; titles stay whole. */
function cutWidest(columns: readonly Column[], width: number): readonly Column[] {
  const rooms = columns.map(widthOf);
  const least = columns.map(({ title }) => title.length);
  for (let excess = widthOfAll(columns) - width; excess > 0; excess -= 1) {
    const room = Math.max(...rooms.filter((each, index) => each > (least[index] ?? 0)), 0);
    if (room === 0) break;
    const widest = rooms.findIndex((each, index) => each === room && each > (least[index] ?? 0));
    rooms[widest] = room - 1;
  }
  return columns.map(({ title, cells }, index) => ({
    title,
    cells: cells.map((cell) => cut(cell, rooms[index] ?? cell.length)),
  }));
}

const cut = (cell: string, room: number): string => (cell.length <= room ? cell : `${cell.slice(0, room - 1)}…`);
