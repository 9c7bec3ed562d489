/** What a destination receives: fields for the form that creates one and for the dialog that edits one. */
import type { Destination } from '../../api/types.ts';
import { Select, TextField } from '../../ui/field.tsx';
import { type LabelRow, LabelRows, labelsOf } from '../../ui/label-rows.tsx';

/** The values of the fields. */
export interface Received {
  readonly name: string;
  readonly format: Destination['format'];
  readonly mode: Destination['mode'];
  /** Empty for the audience. */
  readonly cut: string;
  readonly labels: readonly LabelRow[];
}

/** The part of the request body that these fields determine. */
export function receivedBody({ name, format, mode, cut, labels }: Received) {
  return { name, format, mode, cut: cut === '' ? null : cut, labels: labelsOf(labels) };
}

export const FORMATS: Readonly<Record<Destination['format'], string>> = {
  parquet: 'Parquet',
  csv: 'CSV',
  'csv.gz': 'CSV, compressed',
};

interface ReceivedFieldsProps {
  readonly value: Received;
  readonly onChange: (part: Partial<Received>) => void;
}

export function ReceivedFields({ value: { format, mode, cut, labels }, onChange }: ReceivedFieldsProps) {
  return (
    <>
      <Select
        label="Format"
        value={format}
        onValue={(chosen) => onChange({ format: chosen as Destination['format'] })}
        options={Object.entries(FORMATS).map(([value, label]) => ({ value, label }))}
      />
      <Select
        label="Contents"
        value={mode}
        onValue={(chosen) => onChange({ mode: chosen as Destination['mode'] })}
        options={[
          { value: 'full', label: 'All members of each version' },
          { value: 'deltas', label: 'The changes since the version before' },
        ]}
      />
      <TextField
        label="Cut"
        hint="Optional; the name of the cut that is delivered instead of the audience."
        value={cut}
        onValue={(name) => onChange({ cut: name })}
      />
      <LabelRows rows={labels} onRows={(rows) => onChange({ labels: rows })} error={undefined} />
      <p class="field-hint">Only audiences with all these labels are delivered; all audiences without labels.</p>
    </>
  );
}
