/** An audience in the making: its stages, how far it is, and a way to stop it. */
import { useState } from 'preact/hooks';
import { call } from '../../api/client.ts';
import type { Campaign } from '../../api/types.ts';
import { useConsole } from '../../console.ts';
import { Button } from '../../ui/button.tsx';
import { formatDuration, formatShare } from '../../ui/format.ts';
import { Progress } from '../../ui/progress.tsx';

const STAGES = [
  { state: 'queued', title: 'Waiting for its turn' },
  { state: 'adapting', title: 'Learning from your customers' },
  { state: 'scoring', title: 'Comparing everyone with them' },
] as const;

interface RunningProps {
  readonly campaign: Campaign;
  readonly onChange: () => void;
}

export function Running({ campaign, onChange }: RunningProps) {
  const { session } = useConsole();
  const { state, progress, eta_seconds: seconds, name } = campaign;
  const now = STAGES.findIndex((stage) => stage.state === state);
  return (
    <section class="panel" aria-label="Progress">
      <ol class="stages">
        {STAGES.map(({ state: key, title }, i) => (
          <li
            key={key}
            class={i < now ? 'done' : i === now ? 'now' : 'later'}
            aria-current={i === now ? 'step' : undefined}
          >
            {title}
          </li>
        ))}
      </ol>
      <Progress label={`${name}: progress`} value={progress} />
      <p class="muted small" aria-live="off">
        {formatShare(progress)}
        {seconds === null ? null : `, about ${formatDuration(seconds)} left`}
      </p>
      {session.may('write') ? <Cancel campaign={campaign} onChange={onChange} /> : null}
    </section>
  );
}

function Cancel({ campaign, onChange }: RunningProps) {
  const { api, toasts } = useConsole();
  const [isBusy, setBusy] = useState(false);
  const { id, expansion_id: expansion } = campaign;
  if (expansion === null) return null;
  const cancel = async () => {
    setBusy(true);
    const path = { id, expansion_id: expansion };
    try {
      await call(api.POST('/v1/campaigns/{id}/expansions/{expansion_id}/cancel', { params: { path } }));
      onChange();
    } catch (error) {
      toasts.say(error instanceof Error ? error.message : String(error), 'bad');
    } finally {
      setBusy(false);
    }
  };
  return (
    <Button onClick={cancel} isBusy={isBusy}>
      Cancel
    </Button>
  );
}
