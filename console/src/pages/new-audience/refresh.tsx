/** Input for the refresh policy, which says when the audience is rebuilt automatically. */
import { useId } from 'preact/hooks';
import { Select } from '../../ui/field.tsx';
import { refreshWords } from '../audiences/words.ts';
import type { NewAudience } from './model.ts';

const EVERY = ['1h', '1d', '7d'];

export function Refresh({ audience: { values, change } }: { readonly audience: NewAudience }) {
  const id = useId();
  const { refresh } = values.value;
  const set = (part: Partial<typeof refresh>) => change({ refresh: { ...refresh, ...part } });
  // a copy may have another interval
  const offered = refresh.every === null || EVERY.includes(refresh.every) ? EVERY : [refresh.every, ...EVERY];
  const wordsOf = (every: string) => refreshWords({ every, on_new_population: false, on_change: false });
  return (
    <section class="part" aria-labelledby={id}>
      <h2 id={id}>Rebuild automatically</h2>
      <div class="rebuilt">
        <Select
          label="On a schedule"
          value={refresh.every ?? ''}
          onValue={(every) => set({ every: every || null })}
          options={[{ value: '', label: 'Never' }, ...offered.map((value) => ({ value, label: wordsOf(value) }))]}
        />
      </div>
      <Check
        label="After each import of a population"
        isOn={refresh.on_new_population}
        onChange={(isOn) => set({ on_new_population: isOn })}
      />
      <Check
        label="When the definition or a suppression list changes"
        isOn={refresh.on_change}
        onChange={(isOn) => set({ on_change: isOn })}
      />
    </section>
  );
}

interface CheckProps {
  readonly label: string;
  readonly isOn: boolean;
  readonly onChange: (isOn: boolean) => void;
}

function Check({ label, isOn, onChange }: CheckProps) {
  return (
    <label class="check">
      <input type="checkbox" checked={isOn} onChange={({ currentTarget }) => onChange(currentTarget.checked)} />
      {label}
    </label>
  );
}
