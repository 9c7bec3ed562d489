/** Shows the stages, times and progress of a running build, which can be stopped. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { call } from '../../api/client.ts';
import type { Campaign } from '../../api/types.ts';
import { usePolled } from '../../api/use-polled.ts';
import { useConsole } from '../../console.ts';
import { Button } from '../../ui/button.tsx';
import { formatDuration, formatShare } from '../../ui/format.ts';
import { messageOf } from '../../ui/message.ts';
import { Progress } from '../../ui/progress.tsx';

const STAGES = [
  { state: 'queued', title: 'Waiting in the queue' },
  { state: 'adapting', title: 'Learning from your customers' },
  { state: 'scoring', title: 'Scoring everyone' },
] as const;

const TICK_MS = 1_000;

interface RunningProps {
  readonly campaign: Campaign;
  readonly onChange: () => void;
}

export function Running({ campaign, onChange }: RunningProps) {
  const { session } = useConsole();
  const { state, progress, eta_seconds: seconds, name } = campaign;
  const now = STAGES.findIndex((stage) => stage.state === state);
  const times = useStageTimes(campaign);
  return (
    <section class="panel running-panel" aria-label="Progress">
      <ol class="stages">
        {STAGES.map(({ state: key, title }, i) => (
          <li
            key={key}
            class={i < now ? 'done' : i === now ? 'now' : 'later'}
            aria-current={i === now ? 'step' : undefined}
          >
            {title}
            <div class="muted small">{times[i] === undefined ? '' : formatDuration(times[i])}</div>
          </li>
        ))}
      </ol>
      <Progress label={`${name}: progress`} value={progress} />
      <div class="running-foot">
        <p class="muted small" aria-live="off">
          {formatShare(progress)}
          {seconds === null ? null : `, about ${formatDuration(seconds)} left`}
        </p>
        {session.may('write') ? <Cancel campaign={campaign} onChange={onChange} /> : null}
      </div>
    </section>
  );
}

/** Times at which the page first saw each state of an expansion, in ms since 1970 by the service's clock. */
interface Seen {
  readonly expansion: string | null;
  readonly first: Campaign['state'];
  readonly at: { [state: string]: number };
}

/**
 * Seconds of each stage so far. If the service does not report the time of a stage, the time since the page saw the
 * stage begin is used.
 */
function useStageTimes({ id, expansion_id: expansion, state }: Campaign): readonly (number | undefined)[] {
  const { api, page, time } = useConsole();
  const [now, setNow] = useState(time.now);
  const seen = useRef<Seen>({ expansion: null, first: null, at: {} });
  if (seen.current.expansion !== expansion) seen.current = { expansion, first: state, at: {} };
  // the start of the first stage is unknown, because the page did not see the stage begin
  if (state !== null && state !== seen.current.first) seen.current.at[state] ??= time.now();
  useEffect(() => {
    const timer = page.setInterval(() => setNow(time.now()), TICK_MS);
    return () => page.clearInterval(timer);
  }, [page, time]);
  // the claim time is known once the job has been claimed, so the page requests the expansion again in each state
  const { data } = usePolled(
    async (signal) => {
      const path = { id, expansion_id: expansion ?? '' };
      return call(api.GET('/v1/campaigns/{id}/expansions/{expansion_id}', { params: { path }, signal }));
    },
    { key: `${expansion} ${state}`, everyMs: () => null },
  );
  const made = data === undefined ? undefined : Date.parse(data.created_at);
  const started = data?.started_at ? Date.parse(data.started_at) : undefined;
  const begins = [made, started ?? seen.current.at['adapting'], seen.current.at['scoring']];
  const at = STAGES.findIndex((stage) => stage.state === state);
  return begins.map((begin, i) => {
    const end = i < at ? begins[i + 1] : i === at ? now : undefined;
    return begin === undefined || end === undefined ? undefined : Math.max(0, (end - begin) / 1000);
  });
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
      toasts.say(messageOf(error), 'bad');
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
