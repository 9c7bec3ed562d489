/** Input for the customers that the audience is built from, by pasting ids or choosing a file. */
import { useEffect, useId } from 'preact/hooks';
import { useConsole } from '../../console.ts';
import { ListBasis } from '../../lists/basis-select.tsx';
import { Drop } from '../../lists/drop.tsx';
import { ListFormat } from '../../lists/identifier-select.tsx';
import { Outcome } from '../../lists/outcome.tsx';
import { Reading } from '../../lists/reading.tsx';
import type { NewAudience } from './model.ts';

const HINT =
  'Text, CSV or JSON Lines with customer IDs, of any size. A column “weight” says how much each customer counts. ' +
  '“features” in JSON Lines describe people who are not in the population.';

/** Milliseconds after the last keystroke until typed text is sent. */
const PAUSE_MS = 600;

interface CustomersProps {
  readonly audience: NewAudience;
  readonly error: string | undefined;
}

export function Customers({ audience, error }: CustomersProps) {
  const { seeds, values } = audience;
  const id = useId();
  const isFile = seeds.state.value.kind !== 'empty' && values.value.pasted === '';
  const errorId = error === undefined ? undefined : `${id}-error`;
  return (
    <section class="part" aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>Your customers</h2>
      <p class="muted">The people everyone else is compared with: buyers of a product, or your best clients.</p>
      <ListFormat list={seeds} />
      {isFile ? null : (
        <>
          <Drop
            label="Choose a file"
            hint={HINT}
            onFile={(file) => {
              audience.change({ pasted: '' });
              void seeds.choose({ name: file.name, file, isText: false });
            }}
            isInvalid={error !== undefined}
            errorId={errorId}
          />
          <Paste audience={audience} errorId={errorId} />
        </>
      )}
      {error === undefined ? null : (
        <div id={errorId} class="field-error" role="alert">
          {error}
        </div>
      )}
      <Outcome list={seeds} noun="customers" onClear={audience.clearSeeds} />
      <Reading list={seeds} />
      <ListBasis list={seeds} />
    </section>
  );
}

function Paste({ audience, errorId }: { readonly audience: NewAudience; readonly errorId: string | undefined }) {
  const { page } = useConsole();
  const { values, seeds } = audience;
  const id = useId();
  const { pasted } = values.value;
  useEffect(() => {
    if (pasted === '') return;
    const timer = page.setTimeout(() => {
      void seeds.choose({ name: 'Pasted IDs', file: new Blob([pasted]), isText: true });
    }, PAUSE_MS);
    return () => page.clearTimeout(timer);
  }, [pasted]);
  return (
    <div class="field">
      <label for={id} class="field-label">
        Or paste customer IDs
      </label>
      <textarea
        id={id}
        class="control paste"
        rows={4}
        spellcheck={false}
        placeholder="One ID per line"
        value={pasted}
        aria-invalid={errorId !== undefined}
        aria-describedby={errorId}
        onInput={({ currentTarget }) => {
          audience.change({ pasted: currentTarget.value });
          if (currentTarget.value.trim() === '') audience.clearSeeds();
        }}
      />
    </div>
  );
}
