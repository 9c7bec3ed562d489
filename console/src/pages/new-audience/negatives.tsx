/** Input for people who are known not to like what is advertised. The model learns from them too. */
import { useId } from 'preact/hooks';
import { ListBasis } from '../../lists/basis-select.tsx';
import { Drop } from '../../lists/drop.tsx';
import { ListFormat } from '../../lists/identifier-select.tsx';
import { Outcome } from '../../lists/outcome.tsx';
import { Reading } from '../../lists/reading.tsx';
import { TextField } from '../../ui/field.tsx';
import type { NewAudience } from './model.ts';

interface NegativesProps {
  readonly audience: NewAudience;
  readonly faultAt: (pointer: string) => string | undefined;
}

export function Negatives({ audience: { negatives, values, change }, faultAt }: NegativesProps) {
  const id = useId();
  const error = faultAt('/negatives');
  return (
    <section class="part" aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>Negatives</h2>
      <p class="muted">
        Optional: people who are known not to like it, such as customers who returned the product. People like them rank
        lower. They are not excluded.
      </p>
      <ListFormat list={negatives} />
      {negatives.state.value.kind === 'empty' ? (
        <Drop
          label="Choose negatives"
          hint="Text, CSV or JSON Lines with IDs, of any size."
          onFile={(file) => void negatives.choose({ name: file.name, file, isText: false })}
        />
      ) : null}
      <Outcome list={negatives} noun="people" onClear={() => negatives.clear()} />
      {error === undefined ? null : (
        <div class="field-error" role="alert">
          {error}
        </div>
      )}
      <Reading list={negatives} />
      <ListBasis list={negatives} />
      <div class="size-wish">
        <TextField
          label="Weight of each"
          value={values.value.negativeWeight}
          onValue={(negativeWeight) => change({ negativeWeight })}
          error={faultAt('/negative_weight')}
          input={{ inputMode: 'decimal', autocomplete: 'off' }}
        />
      </div>
      <p class="muted small">
        With weight 1, a negative counts as much as a person drawn at random for comparison; with weight 3, three times
        as much. The weight also applies to people who dismiss the campaign later.
      </p>
    </section>
  );
}
