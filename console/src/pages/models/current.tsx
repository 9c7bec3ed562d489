/** Shows the quality of the model in use on unseen campaigns, and the features that the model reads. */
import type { CurrentModel, Evaluation } from '../../api/types.ts';
import { Section } from '../../ui/facts.tsx';
import { formatCount, formatFactor, formatShare } from '../../ui/format.ts';
import { type Column, Table } from '../../ui/table.tsx';
import { KINDS } from '../feature-kinds.ts';
import './models.css';

type Group = Evaluation['groups'][string] & { readonly name: string };
type Feature = CurrentModel['features'][number];
interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

export function Current({ model }: { readonly model: CurrentModel }) {
  const { evaluation, version, features } = model;
  return (
    <>
      <Section
        title="Quality of the model in use"
        lead={
          evaluation === null
            ? null
            : 'Measured on campaigns that the model was not trained on. The 95% interval is in brackets.'
        }
      >
        {evaluation === null ? (
          <p class="muted">The quality of this model was not measured in training.</p>
        ) : (
          <Measured evaluation={evaluation} version={version} />
        )}
      </Section>
      <Section
        title="Campaign details"
        lead="If you enter these details for a new audience, the model gets a better start."
      >
        {features.length === 0 ? (
          <p class="muted">The model has no campaign features, so the model uses only the customers.</p>
        ) : (
          <Table
            caption={`Campaign features of model ${version}`}
            columns={FEATURES}
            rows={features}
            rowKey={({ name }) => name}
          />
        )}
      </Section>
    </>
  );
}

const FEATURES: readonly Column<Feature>[] = [
  { key: 'name', title: 'Feature', cell: ({ name }) => name, sortBy: ({ name }) => name },
  {
    key: 'kind',
    title: 'Kind',
    sortBy: ({ kind }) => KINDS[kind].label,
    cell: ({ kind, max_length: most }) => `${KINDS[kind].label}${most === null ? '' : `, up to ${most}`}`,
  },
  {
    key: 'known',
    title: 'Known values',
    isNumber: true,
    cell: ({ known_values: count }) => formatCount(count),
    sortBy: ({ known_values: count }) => count,
  },
];

function Measured({ evaluation: { data, campaigns, groups }, version }: { evaluation: Evaluation; version: string }) {
  const rows = Object.entries(groups).map(([name, group]) => ({ name, ...group }));
  const sizes = [...new Set(rows.flatMap(({ recall }) => Object.keys(recall)))].sort((a, b) => Number(a) - Number(b));
  const columns: Column<Group>[] = [
    {
      key: 'name',
      title: 'Group',
      sortBy: ({ name }) => name,
      cell: ({ name, campaigns: count }) => (
        <>
          {name === 'all' ? 'All campaigns' : name}
          <div class="muted small">{formatCount(count)} campaigns</div>
        </>
      ),
    },
    ...sizes.flatMap((size): Column<Group>[] => {
      const share = formatShare(Number(size));
      return [
        {
          key: `recall-${size}`,
          title: `Look-alikes in the top ${share}`,
          sortBy: ({ recall }) => recall[size]?.mean,
          cell: ({ recall }) => <Range value={recall[size]} format={formatShare} />,
        },
        {
          key: `lift-${size}`,
          title: `Lift over random at ${share}`,
          sortBy: ({ lift }) => lift[size]?.mean,
          cell: ({ lift }) => <Range value={lift[size]} format={formatFactor} />,
        },
      ];
    }),
    {
      key: 'auc',
      title: 'Ranks a customer higher',
      sortBy: ({ auc }) => auc.mean,
      cell: ({ auc }) => <Range value={auc} format={formatShare} />,
    },
  ];
  return (
    <>
      <Table
        caption={`Evaluation of model ${version} by group`}
        columns={columns}
        rows={rows}
        rowKey={({ name }) => name}
      />
      <p class="muted small">
        {data}: {campaigns}. “Ranks a customer higher” is how often the model ranks a customer above someone who is not
        a customer; 50% is chance.
      </p>
    </>
  );
}

function Range({ value, format }: { value: Interval | undefined; format: (value: number) => string }) {
  if (value === undefined) return <span class="muted none">–</span>;
  return (
    <div>
      {format(value.mean)}{' '}
      <span class="muted small">
        ({format(value.low)} to {format(value.high)})
      </span>
    </div>
  );
}
