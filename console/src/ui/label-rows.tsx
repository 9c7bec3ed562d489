/** Labels as rows of two fields: a key and a value. */
import { Button } from './button.tsx';
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

/** The labels of rows; rows without a key are left out. */
export function labelsOf(rows: readonly LabelRow[]): Record<string, string> {
  return Object.fromEntries(rows.filter(({ key }) => key.trim() !== '').map(({ key, text }) => [key, text]));
}

interface LabelRowsProps {
  readonly rows: readonly LabelRow[];
  readonly onRows: (rows: readonly LabelRow[]) => void;
  readonly error: string | undefined;
}

export function LabelRows({ rows, onRows, error }: LabelRowsProps) {
  const change = (at: number, part: Partial<LabelRow>) =>
    onRows(rows.map((row, i) => (i === at ? { ...row, ...part } : row)));
  return (
    <fieldset class="labels">
      <legend class="field-label">Labels</legend>
      {rows.map((row, i) => (
        <div key={i} class="label-row">
          <TextField
            label={`Label ${i + 1}: key`}
            isLabelHidden
            value={row.key}
            onValue={(key) => change(i, { key })}
            input={{ placeholder: 'team', spellcheck: false }}
          />
          <TextField
            label={`Label ${i + 1}: value`}
            isLabelHidden
            value={row.text}
            onValue={(text) => change(i, { text })}
            input={{ placeholder: 'growth', spellcheck: false }}
          />
          <button
            type="button"
            class="icon-button"
            aria-label={`Remove label ${i + 1}`}
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
      <Button onClick={() => onRows([...rows, { key: '', text: '' }])}>Add a label</Button>
    </fieldset>
  );
}
