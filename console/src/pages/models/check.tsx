/** Shows the check of a model version: its audiences compared with those of the model in use. */
import type { ModelCheck, ModelVersion } from '../../api/types.ts';
import { usePolled } from '../../api/use-polled.ts';
import { useConsole } from '../../console.ts';
import { hrefOf } from '../../router.ts';
import { Badge } from '../../ui/badge.tsx';
import { Section } from '../../ui/facts.tsx';
import { formatCount, formatDuration, formatShare, formatTime } from '../../ui/format.ts';
import { type Column, Table } from '../../ui/table.tsx';
import { VERDICTS } from '../audiences/words.ts';
import { CHECKS } from './columns.tsx';
import { loadNames } from './load.ts';

type Comparison = ModelCheck['comparisons'][number];
type Quality = Comparison['served'];

const SIZES = ['0.01', '0.05', '0.1'];

export function Check({ model: { version, check } }: { readonly model: ModelVersion }) {
  const title = `Check of ${version}`;
  if (check === null)
    return (
      <Section title={title}>
        <p class="muted">Not checked since the service started. A version is checked when it is activated.</p>
      </Section>
    );
  const { text, tone } = CHECKS[check.state];
  const took = check.ended_at === null ? null : (Date.parse(check.ended_at) - Date.parse(check.started_at)) / 1000;
  return (
    <Section title={title}>
      <p>
        <Badge tone={tone}>{text}</Badge>{' '}
        <span class="muted small">
          {check.kind === 'rollback' ? 'Rolled back' : 'Activated'} {formatTime(check.started_at)}
          {took === null ? '' : `, took ${formatDuration(took)}`}, in place of{' '}
          <span class="mono">{check.from_version}</span>
        </span>
      </p>
      {check.reason === null ? null : (
        <p class="check-reason" role="alert">
          {check.reason.message} Nothing has changed: {check.from_version} stays in use.
        </p>
      )}
      {check.comparisons.length > 0 ? <Comparisons check={check} version={version} /> : <NotCompared check={check} />}
    </Section>
  );
}

function NotCompared({ check: { state, kind } }: { readonly check: ModelCheck }) {
  if (state === 'checking') return <p class="muted">Comparing both models on the newest audiences.</p>;
  if (state === 'refused') return null;
  if (kind === 'rollback') return <p class="muted">Rollbacks are not compared with the current version.</p>;
  return <p class="muted">There were no audiences to compare.</p>;
}

function Comparisons({ check, version }: { readonly check: ModelCheck; readonly version: string }) {
  const { api } = useConsole();
  const ids = check.comparisons.map((one) => one.campaign_id);
  const { data: names } = usePolled((signal) => loadNames(api, ids, signal), { key: ids.join(), everyMs: () => null });
  const columns: Column<Comparison>[] = [
    {
      key: 'audience',
      title: 'Audience',
      sortBy: ({ campaign_id: id }) => names?.get(id) ?? id,
      cell: ({ campaign_id: id, seeds, scored }) => (
        <>
          <a href={hrefOf(['audiences', id])}>{names?.get(id) ?? id}</a>
          <div class="muted small">
            {formatCount(seeds)} customers, {formatCount(scored)} people
          </div>
        </>
      ),
    },
    ...SIZES.map(
      (size): Column<Comparison> => ({
        key: size,
        title: `Same people at ${formatShare(Number(size))}`,
        isNumber: true,
        sortBy: ({ overlap }) => overlap[size],
        cell: ({ overlap }) =>
          overlap[size] === undefined ? <span class="muted none">–</span> : formatShare(overlap[size]),
      }),
    ),
    {
      key: 'served',
      title: `By ${check.from_version}`,
      cell: ({ served }) => <Predicted quality={served} />,
      sortBy: ({ served }) => served.recall_at_5_percent,
    },
    {
      key: 'fresh',
      title: `By ${version}`,
      cell: ({ fresh }) => <Predicted quality={fresh} />,
      sortBy: ({ fresh }) => fresh.recall_at_5_percent,
    },
  ];
  return (
    <>
      <p class="muted small">
        “Same people at 5%” is the share of people that both models choose for an audience of 5% of the population. The
        last two columns are the quality that each model expects.
      </p>
      <Table
        caption={`Audiences of ${version} compared with those of ${check.from_version}`}
        columns={columns}
        rows={check.comparisons}
        rowKey={(one) => one.campaign_id}
      />
    </>
  );
}

function Predicted({ quality: { verdict, recall_at_5_percent: recall } }: { readonly quality: Quality }) {
  const word = verdict !== null && Object.hasOwn(VERDICTS, verdict) ? VERDICTS[verdict as keyof typeof VERDICTS] : null;
  return (
    <div>
      {word === null ? <span class="muted">too few customers</span> : <Badge tone={word.tone}>{word.text}</Badge>}
      {recall === null ? null : <div class="muted small">reaches {formatShare(recall)} of look-alikes at 5%</div>}
    </div>
  );
}
