/** What a destination receives: fields for the form that creates one and for the dialog that edits one. */
import type { Destination } from '../../api/types.ts';
import { useIdentifiers } from '../../lists/identifier-select.tsx';
import { labelTitle, partsOfLabel } from '../../lists/identifiers.ts';
import { Select, TextField } from '../../ui/field.tsx';
import { type LabelRow, LabelRows, labelsOf } from '../../ui/label-rows.tsx';

/** The values of the fields. */
export interface Received {
  readonly name: string;
  readonly format: Destination['format'];
  readonly mode: Destination['mode'];
  /** Empty for the audience. */
  readonly cut: string;
  /** Label of the identifiers to deliver; empty for user IDs. */
  readonly identifier: string;
  readonly labels: readonly LabelRow[];
}

/** The part of the request body that these fields determine. */
export function receivedBody({ name, format, mode, cut, identifier, labels }: Received) {
  return { name, format, mode, cut: cut || null, identifier: identifier || null, labels: labelsOf(labels) };
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

export function ReceivedFields({ value: { format, mode, cut, identifier, labels }, onChange }: ReceivedFieldsProps) {
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
      <DeliveredIds value={identifier} onValue={(label) => onChange({ identifier: label })} />
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

interface DeliveredIdsProps {
  /** Label of the identifiers; empty for user IDs. */
  readonly value: string;
  readonly onValue: (label: string) => void;
}

/** Shows nothing if the population has no identifiers and none are chosen. */
function DeliveredIds({ value, onValue }: DeliveredIdsProps) {
  const offered = useIdentifiers().map(({ type, rule }) => `${type}:${rule}`);
  const labels = value === '' || offered.includes(value) ? offered : [...offered, value];
  if (labels.length === 0) return null;
  return (
    <Select
      label="IDs"
      hint={value === '' ? null : 'People without an identifier of this type are left out.'}
      value={value}
      onValue={onValue}
      options={[
        { value: '', label: 'User IDs' },
        ...labels.map((label) => ({ value: label, label: labelTitle(partsOfLabel(label)) })),
      ]}
    />
  );
}
