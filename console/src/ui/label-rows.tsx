/** Labels as rows of two fields: a key and a value. */
import { EditableRows, type RowsProps } from './editable-rows.tsx';
import { TextField } from './field.tsx';
import './label-rows.css';

export interface LabelRow {
  readonly key: string;
  readonly text: string;
}

/** The rows of labels. */
export function rowsOf(labels: Readonly<Record<string, string>>): readonly LabelRow[] {
  return Object.entries(labels).map(([key, text]) => ({ key, text }));
}

/** Converts rows to labels. Rows without a key are ignored. */
export function labelsOf(rows: readonly LabelRow[]): Record<string, string> {
  return Object.fromEntries(rows.filter(({ key }) => key.trim() !== '').map(({ key, text }) => [key, text]));
}

export function LabelRows(props: RowsProps<LabelRow>) {
  return (
    <EditableRows
      {...props}
      class="label"
      noun="label"
      legend="Labels"
      empty={{ key: '', text: '' }}
      fields={(row, change, title) => (
        <>
          <TextField
            label={`${title}: key`}
            isLabelHidden
            value={row.key}
            onValue={(key) => change({ key })}
            input={{ placeholder: 'team', spellcheck: false }}
          />
          <TextField
            label={`${title}: value`}
            isLabelHidden
            value={row.text}
            onValue={(text) => change({ text })}
            input={{ placeholder: 'growth', spellcheck: false }}
          />
        </>
      )}
    />
  );
}
