/** Named cuts as rows of fields: a name, two sizes and their unit. */
import { Button } from '../ui/button.tsx';
import { Select, TextField } from '../ui/field.tsx';
import { type CutRow, NEW_CUT } from './cuts.ts';
import './cut-rows.css';

interface CutRowsProps {
  readonly rows: readonly CutRow[];
  readonly onRows: (rows: readonly CutRow[]) => void;
  readonly error: string | undefined;
}

export function CutRows({ rows, onRows, error }: CutRowsProps) {
  const change = (at: number, part: Partial<CutRow>) =>
    onRows(rows.map((row, i) => (i === at ? { ...row, ...part } : row)));
  return (
    <fieldset class="cuts">
      <legend class="field-label">Cuts</legend>
      <p class="muted small">
        Named parts of the ranking that are served beside the audience, such as a ring from 5% to 10% of the population.
      </p>
      {rows.map((row, i) => (
        <div key={i} class="cut-row">
          <TextField
            label={`Cut ${i + 1}: name`}
            isLabelHidden
            value={row.name}
            onValue={(name) => change(i, { name })}
            input={{ placeholder: 'second', spellcheck: false, autocomplete: 'off' }}
          />
          <TextField
            label={`Cut ${i + 1}: from`}
            isLabelHidden
            value={row.from}
            onValue={(from) => change(i, { from })}
            input={{ placeholder: 'from', inputMode: 'decimal', autocomplete: 'off' }}
          />
          <TextField
            label={`Cut ${i + 1}: to`}
            isLabelHidden
            value={row.to}
            onValue={(to) => change(i, { to })}
            input={{ placeholder: 'to', inputMode: 'decimal', autocomplete: 'off' }}
          />
          <Select
            label={`Cut ${i + 1}: unit`}
            isLabelHidden
            value={row.unit}
            onValue={(unit) => change(i, { unit: unit as CutRow['unit'] })}
            options={[
              { value: 'percent', label: '%' },
              { value: 'people', label: 'people' },
            ]}
          />
          <button
            type="button"
            class="icon-button"
            aria-label={`Remove cut ${i + 1}`}
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
      <Button onClick={() => onRows([...rows, NEW_CUT])}>Add a cut</Button>
    </fieldset>
  );
}
