/** Input for a campaign that must not use some features, or whose audience must contain all groups at similar rates. */
import { SpecialFields } from '../special-fields.tsx';
import type { NewAudience } from './model.ts';
import { filtersOf } from './values.ts';

interface SpecialProps {
  readonly audience: NewAudience;
  readonly faultAt: (pointer: string) => string | undefined;
}

export function Special({ audience: { values, population, change }, faultAt }: SpecialProps) {
  const { category, fourFifths } = values.value;
  return (
    <section class="part" aria-labelledby="special-title">
      <h2 id="special-title">Fair selection</h2>
      <p class="muted">
        Optional, for housing, jobs, credit and similar offers. The page of the audience shows what both settings cost.
      </p>
      <SpecialFields
        inputs={{ category, four_fifths: fourFifths, filters: filtersOf(values.value, population) }}
        population={population}
        onChange={(part) =>
          change({
            ...(part.category !== undefined && { category: part.category }),
            ...(part.four_fifths !== undefined && { fourFifths: part.four_fifths }),
          })
        }
        faultAt={faultAt}
      />
    </section>
  );
}
