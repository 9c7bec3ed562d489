/**
 * Input for people who must not be in the audience. The global list always applies, and the audience may have an
 * additional list.
 */
import { useId } from 'preact/hooks';
import { call } from '../../api/client.ts';
import { usePolled } from '../../api/use-polled.ts';
import { useConsole } from '../../console.ts';
import { ListBasis } from '../../lists/basis-select.tsx';
import { Drop } from '../../lists/drop.tsx';
import { ListFormat } from '../../lists/identifier-select.tsx';
import { Outcome } from '../../lists/outcome.tsx';
import { Reading } from '../../lists/reading.tsx';
import { Button } from '../../ui/button.tsx';
import { formatCount, formatShare } from '../../ui/format.ts';
import { messageOf } from '../../ui/message.ts';
import { Progress } from '../../ui/progress.tsx';
import type { NewAudience } from './model.ts';

interface SuppressionProps {
  readonly audience: NewAudience;
  readonly error: string | undefined;
}

export function Suppression({ audience, error }: SuppressionProps) {
  const { suppression, keeping } = audience;
  const now = keeping.value.kind;
  const id = useId();
  return (
    <section class="part" aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>Exclude people</h2>
      <Common />
      {now === 'kept' || now === 'sending' ? null : <ListFormat list={suppression} />}
      {suppression.state.value.kind === 'empty' ? (
        <Drop
          label="Choose a list"
          hint="People who must not be in this audience. You can check the matches before the list is used."
          onFile={(file) => void suppression.choose({ name: file.name, file, isText: false })}
        />
      ) : null}
      <Outcome
        list={suppression}
        noun="people"
        onClear={now === 'sending' ? null : () => suppression.clear()}
        actions={<Keep audience={audience} />}
      />
      {error === undefined ? null : (
        <div class="field-error" role="alert">
          {error}
        </div>
      )}
      {now === 'kept' || now === 'sending' ? null : <Reading list={suppression} />}
      {now === 'kept' || now === 'sending' ? null : <ListBasis list={suppression} />}
    </section>
  );
}

/** The global list, which a key that is limited to certain campaigns cannot read. */
function Common() {
  const { api } = useConsole();
  const { data } = usePolled((signal) => call(api.GET('/v1/suppression', { signal })), {
    key: 'common',
    everyMs: () => null,
  });
  if (data === undefined) return <p class="muted">People on the global suppression list are always excluded.</p>;
  if (data.users === 0) return <p class="muted">The global suppression list is empty.</p>;
  return (
    <p class="muted">
      The {formatCount(data.users)} people on the global suppression list are always excluded. {formatCount(data.known)}{' '}
      of them are in your population.
    </p>
  );
}

function Keep({ audience }: { readonly audience: NewAudience }) {
  const { suppression, keeping } = audience;
  const state = suppression.state.value;
  const now = keeping.value;
  if (state.kind !== 'done') return null;
  const { known } = state.report;
  if (now.kind === 'kept')
    return (
      <p class="outcome-good" role="status">
        These {formatCount(known)} people will be excluded.
      </p>
    );
  if (now.kind === 'sending')
    return (
      <div role="status">
        <Progress label="Sending the list" value={now.share} />
        <span class="muted small">{formatShare(now.share)} sent</span>
      </div>
    );
  return (
    <>
      {now.kind === 'failed' ? (
        <p class="field-error" role="alert">
          {messageOf(now.error)}
        </p>
      ) : null}
      <p class="muted">This is a preview. Nobody is excluded yet.</p>
      <Button onClick={() => void audience.keepSuppression()} disabled={known === 0}>
        Exclude these {formatCount(known)} people
      </Button>
    </>
  );
}
