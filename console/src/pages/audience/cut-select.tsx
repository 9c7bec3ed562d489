/** A field to choose the audience or one of its cuts. */
import type { Campaign } from '../../api/types.ts';
import { Select } from '../../ui/field.tsx';

interface CutSelectProps {
  readonly label: string;
  readonly cuts: Campaign['cuts'];
  /** The name of a cut; empty for the audience. */
  readonly value: string;
  readonly onValue: (name: string) => void;
}

/** Renders nothing for an audience without cuts. */
export function CutSelect({ cuts, ...field }: CutSelectProps) {
  if (cuts.length === 0) return null;
  const options = cuts.map(({ name }) => ({ value: name, label: `Cut ${name}` }));
  return <Select {...field} options={[{ value: '', label: 'The audience' }, ...options]} />;
}
