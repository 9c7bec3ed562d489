/** How large the audience should be: what each size is expected to reach, and the way to another size. */
import { useEffect, useState } from 'preact/hooks';
import { call } from '../../api/client.ts';
import { ApiError } from '../../api/errors.ts';
import type { Verdict } from '../../api/types.ts';
import { usePolled } from '../../api/use-polled.ts';
import { useConsole } from '../../console.ts';
import { Button } from '../../ui/button.tsx';
import { TextField } from '../../ui/field.tsx';
import { formatCount, formatFactor, formatShare } from '../../ui/format.ts';
import { Empty, Failed, Loading } from '../../ui/states.tsx';
import { Table } from '../../ui/table.tsx';
import { VERDICTS } from '../audiences/words.ts';
import { type Loaded, loadQuality } from './load.ts';
import { type Curve, type Interval, type Reach, reachAt } from './reach.ts';
import { ReachChart } from './reach-chart.tsx';

interface SizeProps {
  readonly loaded: Loaded;
  readonly onChange: () => void;
}

export function Size({ loaded, onChange }: SizeProps) {
  const { api } = useConsole();
  const { id, audience_version: version, candidates } = loaded.campaign;
  const { data, error, refresh } = usePolled((signal) => loadQuality(api, id, signal), {
    key: `${id} ${version}`,
    everyMs: () => null,
  });
  if (data === undefined) return error === undefined ? <Loading /> : <Failed error={error} onRetry={refresh} />;
  if (data.curve.length === 0 || !candidates)
    return (
      <Empty title="There is no prediction">
        <p>{data.reason}</p>
      </Empty>
    );
  return (
    <Chooser
      key={`${id} ${version}`}
      {...{ loaded, onChange, candidates }}
      curve={data.curve}
      verdict={data.verdict ?? 'unsure'}
    />
  );
}

interface ChooserProps extends SizeProps {
  readonly candidates: number;
  readonly curve: Curve;
  readonly verdict: Verdict;
}

function Chooser({ loaded, onChange, candidates, curve, verdict }: ChooserProps) {
  const { session } = useConsole();
  const current = loaded.campaign.size ?? 1;
  const [size, setSize] = useState(current);
  const [text, setText] = useState(String(current));
  useEffect(() => setText(String(size)), [size]);
  const reach = reachAt(curve, candidates, size);
  const typed = Number(text.replace(/[^\d]/g, ''));
  const isFault = text.trim() === '' || typed < 1 || typed > candidates;
  return (
    <div class="size">
      <div class="size-side">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            if (!isFault) setSize(typed);
          }}
        >
          <TextField
            label="People in the audience"
            value={text}
            onValue={(value) => {
              setText(value);
              const wanted = Number(value.replace(/[^\d]/g, ''));
              if (wanted >= 1 && wanted <= candidates) setSize(wanted);
            }}
            error={isFault ? `Between 1 and ${formatCount(candidates)}.` : undefined}
            hint={`${formatShare(reach.share)} of ${formatCount(candidates)} people`}
            input={{ inputMode: 'numeric', autocomplete: 'off' }}
          />
        </form>
        <Expected reach={reach} />
        {session.may('write') ? (
          <UseSize size={reach.size} isFault={isFault} loaded={loaded} onChange={onChange} />
        ) : null}
      </div>
      <div class="size-main">
        <ReachChart curve={curve} candidates={candidates} size={reach.size} onSize={setSize} />
        <p class="muted small">
          {VERDICTS[verdict].meaning} The line is what is expected, the band where the truth lies nine times out of ten;
          dashed, a random audience.
        </p>
        <details>
          <summary>Show the numbers</summary>
          <Table
            caption="Expected reach by size"
            rowKey={({ share }) => String(share)}
            rows={curve}
            columns={[
              { key: 'size', title: 'People', isNumber: true, cell: (point) => formatCount(point.size) },
              { key: 'share', title: 'Of everyone', isNumber: true, cell: (point) => formatShare(point.share) },
              { key: 'recall', title: 'Look-alikes reached', isNumber: true, cell: (point) => shares(point.recall) },
              { key: 'lift', title: 'Beside random', isNumber: true, cell: (point) => factors(point.lift) },
            ]}
          />
        </details>
      </div>
    </div>
  );
}

/** What the size is expected to give, in three lines. */
function Expected({ reach }: { readonly reach: Reach }) {
  const { recall, lift } = reach;
  return (
    <dl class="expected" aria-live="polite">
      <div>
        <dt>Look-alikes reached</dt>
        <dd>{formatShare(recall.mean)}</dd>
        <dd class="muted small">
          {formatShare(recall.low)} to {formatShare(recall.high)} of all who are like your customers
        </dd>
      </div>
      <div>
        <dt>Beside a random audience</dt>
        <dd>{formatFactor(lift.mean)}</dd>
        <dd class="muted small">
          {formatFactor(lift.low)} to {formatFactor(lift.high)} as many of them
        </dd>
      </div>
    </dl>
  );
}

interface UseSizeProps extends SizeProps {
  readonly size: number;
  readonly isFault: boolean;
}

function UseSize({ size, isFault, loaded: { campaign, etag }, onChange }: UseSizeProps) {
  const { api, toasts } = useConsole();
  const [isBusy, setBusy] = useState(false);
  const use = async () => {
    setBusy(true);
    try {
      const params = { path: { id: campaign.id }, header: { 'if-match': etag } };
      await call(api.PATCH('/v1/campaigns/{id}', { params, body: { audience: { size } } }));
      toasts.say(`The audience has ${formatCount(size)} people now.`);
    } catch (error) {
      const isStale = error instanceof ApiError && error.status === 412;
      const text = error instanceof Error ? error.message : String(error);
      toasts.say(isStale ? 'Somebody else has just changed this audience. Look at it, then try again.' : text, 'bad');
    } finally {
      setBusy(false);
      onChange();
    }
  };
  return (
    <Button kind="primary" onClick={use} isBusy={isBusy} disabled={isFault || size === campaign.size}>
      {size === campaign.size ? 'This is its size' : 'Use this size'}
    </Button>
  );
}

function shares({ mean, low, high }: Interval): string {
  return `${formatShare(mean)} (${formatShare(low)} to ${formatShare(high)})`;
}

function factors({ mean, low, high }: Interval): string {
  return `${formatFactor(mean)} (${formatFactor(low)} to ${formatFactor(high)})`;
}
