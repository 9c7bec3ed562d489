/** Input for people who are known not to like what is advertised, from whom the model learns too. */
import { useId } from 'preact/hooks';
import { Drop } from '../../lists/drop.tsx';
import { Outcome } from '../../lists/outcome.tsx';
import { Reading } from '../../lists/reading.tsx';
import type { NewAudience } from './model.ts';

interface NegativesProps {
  readonly audience: NewAudience;
  readonly error: string | undefined;
}

export function Negatives({ audience: { negatives }, error }: NegativesProps) {
  const id = useId();
  return (
    <section class="part" aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>Negatives</h2>
      <p class="muted">
        Optional: people who are known not to like it, such as customers who returned the product. People like them rank
        lower. They are not excluded.
      </p>
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
    </section>
  );
}
