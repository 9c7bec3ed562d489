/** A list of rows of fields, with buttons to remove a row and to add one. */
import type { ComponentChildren } from 'preact';
import { Button } from './button.tsx';

/** What a list of rows shows and reports. */
export interface RowsProps<Row> {
  readonly rows: readonly Row[];
  readonly onRows: (rows: readonly Row[]) => void;
  readonly error: string | undefined;
}

interface EditableRowsProps<Row> extends RowsProps<Row> {
  readonly legend: string;
  /** What a row is called, as in "Add a label". */
  readonly noun: string;
  readonly empty: Row;
  readonly class: string;
  readonly hint?: string;
  /** The fields of a row; `title` begins their labels. */
  readonly fields: (row: Row, change: (part: Partial<Row>) => void, title: string) => ComponentChildren;
}

export function EditableRows<Row>({ rows, onRows, error, noun, fields, ...shown }: EditableRowsProps<Row>) {
  const change = (at: number, part: Partial<Row>) =>
    onRows(rows.map((row, i) => (i === at ? { ...row, ...part } : row)));
  const titleOf = (i: number) => `${noun[0]!.toUpperCase()}${noun.slice(1)} ${i + 1}`;
  return (
    <fieldset class={`${shown.class}s`}>
      <legend class="field-label">{shown.legend}</legend>
      {shown.hint === undefined ? null : <p class="muted small">{shown.hint}</p>}
      {rows.map((row, i) => (
        <div key={i} class={`${shown.class}-row`}>
          {fields(row, (part) => change(i, part), titleOf(i))}
          <button
            type="button"
            class="icon-button"
            aria-label={`Remove ${noun} ${i + 1}`}
            onClick={() => onRows(rows.filter((_, at) => at !== i))}
          >
            ×
          </button>
        </div>
      ))}
      {error === undefined ? null : (
        <p class="field-error" role="alert">
          {error}
        </p>
      )}
      <Button onClick={() => onRows([...rows, shown.empty])}>Add a {noun}</Button>
    </fieldset>
  );
}
