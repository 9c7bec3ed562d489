/**
 * A table that becomes a list of cards on narrow pages. The column titles sort the rows, either in the table or through
 * the owner of the rows.
 */
import type { ComponentChildren } from 'preact';
import { useMemo, useState } from 'preact/hooks';

type Sortable = string | number | null | undefined;
/** `other` is a direction that readers cannot see, such as the alphabetical order of the API's names of states. */
type Direction = 'ascending' | 'descending' | 'other';

export interface Column<Row> {
  readonly key: string;
  readonly title: string;
  readonly cell: (row: Row) => ComponentChildren;
  /** Numbers are aligned at the end of the column. */
  readonly isNumber?: boolean;
  /**
   * Returns the value by which rows are sorted. Rows without a value come last. Without `sortBy`, the table cannot sort
   * by the column.
   */
  readonly sortBy?: (row: Row) => Sortable;
  /** The directions that the owner of the rows offers, in the order in which clicks choose them. */
  readonly directions?: readonly Direction[];
}

export interface Sorting {
  readonly key: string;
  readonly direction: Direction;
}

/** The sort order of rows that the table does not sort itself. */
interface GivenSorting {
  readonly sorting: Sorting | null;
  /** Called with null for the initial order. */
  readonly onSort: (sorting: Sorting | null) => void;
}

interface TableProps<Row> {
  /** Caption of the table for screen readers. */
  readonly caption: string;
  /** The first column names the row. */
  readonly columns: readonly Column<Row>[];
  /** Rows in the initial order. */
  readonly rows: readonly Row[];
  readonly rowKey: (row: Row) => string;
  /** If given, titles sort through `onSort`, and the rows are shown in the order in which they are given. */
  readonly given?: GivenSorting;
}

export function Table<Row>({ caption, columns, rows, rowKey, given }: TableProps<Row>) {
  const [own, setOwn] = useState<Sorting | null>(null);
  const { sorting, onSort } = given ?? { sorting: own, onSort: setOwn };
  const sorted = useMemo(() => (given ? rows : sort(rows, columns, own)), [given, rows, columns, own]);
  const directionsOf = (column: Column<Row>) => (given ? (column.directions ?? []) : ownDirectionsOf(column));
  const sorts = rows.length > 1 && columns.some((column) => directionsOf(column).length > 0);
  return (
    <table class={sorts ? 'table table-sorts' : 'table'}>
      <caption class="visually-hidden">{caption}</caption>
      <thead>
        <tr>
          {columns.map((column) => (
            <Title
              key={column.key}
              column={column}
              directions={sorts ? directionsOf(column) : []}
              direction={sorting?.key === column.key ? sorting.direction : null}
              onSort={(direction) => onSort(direction && { key: column.key, direction })}
            />
          ))}
        </tr>
      </thead>
      <tbody>
        {sorted.map((row) => (
          <tr key={rowKey(row)}>
            {columns.map(({ key, title, cell, isNumber }, i) =>
              i === 0 ? (
                <th key={key} scope="row">
                  {cell(row)}
                </th>
              ) : (
                <td key={key} data-title={title} class={isNumber ? 'number' : undefined}>
                  {cell(row)}
                </td>
              ),
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface TitleProps<Row> {
  readonly column: Column<Row>;
  readonly directions: readonly Direction[];
  /** null if the rows are not sorted by this column. */
  readonly direction: Direction | null;
  readonly onSort: (direction: Direction | null) => void;
}

const ARROWS: Readonly<Record<Direction, string>> = { ascending: '▲', descending: '▼', other: '●' };

function Title<Row>({ column: { title, isNumber }, directions, direction, onSort }: TitleProps<Row>) {
  const isButton = directions.length > 0;
  const next = direction === null ? directions[0] : directions[directions.indexOf(direction) + 1];
  return (
    <th
      scope="col"
      class={[isNumber ? 'number' : '', isButton ? 'sorts' : ''].filter(Boolean).join(' ') || undefined}
      aria-sort={direction ?? undefined}
    >
      {isButton ? (
        <button type="button" class="sort" onClick={() => onSort(next ?? null)}>
          {title}
          <span class="sort-arrow" aria-hidden="true">
            {direction === null ? '' : ARROWS[direction]}
          </span>
        </button>
      ) : (
        title
      )}
    </th>
  );
}

/** The usual direction (large numbers first), then the opposite direction. */
function ownDirectionsOf<Row>({ sortBy, isNumber }: Column<Row>): readonly Direction[] {
  if (sortBy === undefined) return [];
  return isNumber ? ['descending', 'ascending'] : ['ascending', 'descending'];
}

const TEXT = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

function sort<Row>(rows: readonly Row[], columns: readonly Column<Row>[], sorting: Sorting | null): readonly Row[] {
  const by = columns.find(({ key }) => key === sorting?.key)?.sortBy;
  if (by === undefined || sorting === null) return rows;
  const sign = sorting.direction === 'descending' ? -1 : 1;
  return rows.toSorted((left, right) => {
    const [a, b] = [by(left) ?? null, by(right) ?? null];
    if (a === null || b === null) return Number(a === null) - Number(b === null);
    return sign * (typeof a === 'number' && typeof b === 'number' ? a - b : TEXT.compare(String(a), String(b)));
  });
}
