/**
 * Input for the size of the audience (a number of people or a share of the population), the hold-out, and named cuts.
 */
import { Select, TextField } from '../../ui/field.tsx';
import { formatCount } from '../../ui/format.ts';
import { CutRows } from '../cut-rows.tsx';
import type { NewAudience } from './model.ts';
import { peopleOf, type Values } from './values.ts';

interface SizeProps {
  readonly audience: NewAudience;
  /** Number of eligible people according to the forecast; null while unknown. */
  readonly candidates: number | null;
  readonly faultAt: (pointer: string) => string | undefined;
}

export function Size({ audience, candidates, faultAt }: SizeProps) {
  const { values, population, change } = audience;
  const { size, sizeUnit, holdout, cuts } = values.value;
  const people = peopleOf(values.value, population.users);
  return (
    <section class="part" aria-labelledby="size-title">
      <h2 id="size-title">Audience size</h2>
      <div class="size-wish">
        <TextField
          label="Size"
          value={size}
          onValue={(text) => change({ size: text })}
          error={faultAt('/audience')}
          input={{ inputMode: 'decimal', autocomplete: 'off' }}
        />
        <Select
          label="Unit"
          value={sizeUnit}
          onValue={(unit) => change({ sizeUnit: unit as Values['sizeUnit'] })}
          options={[
            { value: 'percent', label: '% of the population' },
            { value: 'people', label: 'people' },
          ]}
        />
      </div>
      <p class="muted small">
        {people === null ? null : `${describeSize(people, population.users, candidates)} `}
        You can change the size later, and see the reach of each size.
      </p>
      <div class="size-wish">
        <TextField
          label="Held out (%)"
          value={holdout}
          onValue={(text) => change({ holdout: text })}
          error={faultAt('/holdout_percent')}
          input={{ inputMode: 'decimal', autocomplete: 'off' }}
        />
      </div>
      <p class="muted small">
        People drawn at random from the audience, who are not reached. They show what the campaign causes.
      </p>
      <CutRows rows={cuts} onRows={(rows) => change({ cuts: rows })} error={faultAt('/cuts')} />
    </section>
  );
}

/** Text for the resulting size, which is smaller than the requested size if fewer people are eligible. */
function describeSize(people: number, users: number, candidates: number | null): string {
  if (candidates === null) return `${formatCount(people)} of ${formatCount(users)} people.`;
  const of = `${formatCount(candidates)} eligible people`;
  if (people < candidates) return `${formatCount(people)} of ${of}.`;
  return people === candidates ? `All ${of}.` : `All ${of} (you asked for ${formatCount(people)}).`;
}
