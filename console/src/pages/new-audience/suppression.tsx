/** People who must not be in the audience: the list of all audiences always counts, and this one may have its own. */
import { useId } from 'preact/hooks';
import { call } from '../../api/client.ts';
import { usePolled } from '../../api/use-polled.ts';
import { useConsole } from '../../console.ts';
import { Button } from '../../ui/button.tsx';
import { formatCount, formatShare } from '../../ui/format.ts';
import { Progress } from '../../ui/progress.tsx';
import { Drop } from './drop.tsx';
import type { NewAudience } from './model.ts';
import { Outcome } from './outcome.tsx';
import { Reading } from './reading.tsx';

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
      <h2 id={`${id}-title`}>Leave people out</h2>
      <Common />
      {suppression.state.value.kind === 'empty' ? (
        <Drop
          label="Choose a list"
          hint="People who must not be in this audience. You see who is matched before it counts."
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
    </section>
  );
}

/** The list of the service: a key of certain campaigns is not told of it. */
function Common() {
  const { api } = useConsole();
  const { data } = usePolled((signal) => call(api.GET('/v1/suppression', { signal })), {
    key: 'common',
    everyMs: () => null,
  });
  if (data === undefined) return <p class="muted">Whoever opted out of all audiences is always left out.</p>;
  if (data.users === 0) return <p class="muted">Nobody is on the service's list of people to leave out everywhere.</p>;
  return (
    <p class="muted">
      The {formatCount(data.users)} people on the service's list are always left out, {formatCount(data.known)} of them
      in your population.
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
        These {formatCount(known)} people will be left out.
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
          {now.error instanceof Error ? now.error.message : String(now.error)}
        </p>
      ) : null}
      <p class="muted">This was a check: nobody is left out yet.</p>
      <Button onClick={() => void audience.keepSuppression()} disabled={known === 0}>
        Leave these {formatCount(known)} people out
      </Button>
    </>
  );
}
