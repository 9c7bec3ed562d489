/** A table that sorts by its column titles, and becomes a list of cards on narrow pages. */
import type { ComponentChildren } from 'preact';
import { useMemo, useState } from 'preact/hooks';

type Sortable = string | number | null | undefined;

export interface Column<Row> {
  readonly key: string;
  readonly title: string;
  readonly cell: (row: Row) => ComponentChildren;
  /** Numbers are aligned at the end of the column. */
  readonly isNumber?: boolean;
  /**
   * Returns the value by which rows are sorted. Rows without a value come last. Without `sortBy`, the column cannot be
   * sorted.
   */
  readonly sortBy?: (row: Row) => Sortable;
}

interface TableProps<Row> {
  /** Caption of the table for screen readers. */
  readonly caption: string;
  /** The first column names the row. */
  readonly columns: readonly Column<Row>[];
  /** Rows in the initial order. */
  readonly rows: readonly Row[];
  readonly rowKey: (row: Row) => string;
}

interface Sorting {
  readonly key: string;
  readonly isDown: boolean;
}

export function Table<Row>({ caption, columns, rows, rowKey }: TableProps<Row>) {
  const [sorting, setSorting] = useState<Sorting | null>(null);
  const sorted = useMemo(() => sort(rows, columns, sorting), [rows, columns, sorting]);
  const sorts = columns.some(({ sortBy }) => sortBy !== undefined) && rows.length > 1;
  return (
    <table class={sorts ? 'table table-sorts' : 'table'}>
      <caption class="visually-hidden">{caption}</caption>
      <thead>
        <tr>
          {columns.map((column) => (
            <Title key={column.key} {...{ column, sorting, sorts }} onSort={setSorting} />
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
  readonly sorting: Sorting | null;
  readonly sorts: boolean;
  readonly onSort: (sorting: Sorting | null) => void;
}

function Title<Row>({ column: { key, title, isNumber, sortBy }, sorting, sorts, onSort }: TitleProps<Row>) {
  const isDown = sorting?.key === key ? sorting.isDown : null;
  const isButton = sorts && sortBy !== undefined;
  return (
    <th
      scope="col"
      class={[isNumber ? 'number' : '', isButton ? 'sorts' : ''].filter(Boolean).join(' ') || undefined}
      aria-sort={isDown === null ? undefined : isDown ? 'descending' : 'ascending'}
    >
      {isButton ? (
        <button type="button" class="sort" onClick={() => onSort(nextOf(key, isDown, isNumber ?? false))}>
          {title}
          <span class="sort-arrow" aria-hidden="true">
            {isDown === null ? '' : isDown ? '▼' : '▲'}
          </span>
        </button>
      ) : (
        title
      )}
    </th>
  );
}

/** Cycles through the usual direction (large numbers first), the opposite direction and the initial order. */
function nextOf(key: string, isDown: boolean | null, startsDown: boolean): Sorting | null {
  if (isDown === null) return { key, isDown: startsDown };
  return isDown === startsDown ? { key, isDown: !isDown } : null;
}

const TEXT = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

function sort<Row>(rows: readonly Row[], columns: readonly Column<Row>[], sorting: Sorting | null): readonly Row[] {
  const by = columns.find(({ key }) => key === sorting?.key)?.sortBy;
  if (by === undefined || sorting === null) return rows;
  const sign = sorting.isDown ? -1 : 1;
  return rows.toSorted((left, right) => {
    const [a, b] = [by(left) ?? null, by(right) ?? null];
    if (a === null || b === null) return Number(a === null) - Number(b === null);
    return sign * (typeof a === 'number' && typeof b === 'number' ? a - b : TEXT.compare(String(a), String(b)));
  });
}
