/** Named cuts as rows of fields: a name, two sizes and their unit. */
import { EditableRows, type RowsProps } from '../ui/editable-rows.tsx';
import { Select, TextField } from '../ui/field.tsx';
import { type CutRow, NEW_CUT } from './cuts.ts';
import './cut-rows.css';

const HINT =
  'Named parts of the ranking that are served in addition to the audience, such as a ring from 5% to 10% of the ' +
  'population.';

export function CutRows(props: RowsProps<CutRow>) {
  return (
    <EditableRows
      {...props}
      class="cut"
      noun="cut"
      legend="Cuts"
      hint={HINT}
      empty={NEW_CUT}
      fields={(row, change, title) => (
        <>
          <TextField
            label={`${title}: name`}
            isLabelHidden
            value={row.name}
            onValue={(name) => change({ name })}
            input={{ placeholder: 'second', spellcheck: false, autocomplete: 'off' }}
          />
          <TextField
            label={`${title}: from`}
            isLabelHidden
            value={row.from}
            onValue={(from) => change({ from })}
            input={{ placeholder: 'from', inputMode: 'decimal', autocomplete: 'off' }}
          />
          <TextField
            label={`${title}: to`}
            isLabelHidden
            value={row.to}
            onValue={(to) => change({ to })}
            input={{ placeholder: 'to', inputMode: 'decimal', autocomplete: 'off' }}
          />
          <Select
            label={`${title}: unit`}
            isLabelHidden
            value={row.unit}
            onValue={(unit) => change({ unit: unit as CutRow['unit'] })}
            options={[
              { value: 'percent', label: '%' },
              { value: 'people', label: 'people' },
            ]}
          />
        </>
      )}
    />
  );
}
