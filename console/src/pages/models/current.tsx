/** What is known of the model in use: how good it was on campaigns that it had not seen, and what it reads. */
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
        title="How good the model in use is"
        lead={
          evaluation === null
            ? null
            : `Measured on campaigns that it had not learned from. In brackets, where the true value lies with 95%.`
        }
      >
        {evaluation === null ? (
          <p class="muted">It was not measured when it was trained.</p>
        ) : (
          <Measured evaluation={evaluation} version={version} />
        )}
      </Section>
      <Section
        title="What it knows of a campaign"
        lead="A new audience can say these, so that the model starts closer."
      >
        {features.length === 0 ? (
          <p class="muted">Nothing: it goes by the customers alone.</p>
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
  { key: 'name', title: 'Feature', cell: ({ name }) => name },
  {
    ...{ key: 'kind', title: 'Kind' },
    cell: ({ kind, max_length: most }) => `${KINDS[kind].label}${most === null ? '' : `, up to ${most}`}`,
  },
  { key: 'known', title: 'Known values', isNumber: true, cell: ({ known_values: count }) => formatCount(count) },
];

function Measured({ evaluation: { data, campaigns, groups }, version }: { evaluation: Evaluation; version: string }) {
  const rows = Object.entries(groups).map(([name, group]) => ({ name, ...group }));
  const sizes = [...new Set(rows.flatMap(({ recall }) => Object.keys(recall)))].sort((a, b) => Number(a) - Number(b));
  const columns: Column<Group>[] = [
    {
      ...{ key: 'name', title: 'Group' },
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
          ...{ key: `recall-${size}`, title: `Found by the best ${share}` },
          cell: ({ recall }) => <Range value={recall[size]} format={formatShare} />,
        },
        {
          ...{ key: `lift-${size}`, title: `Better than random at ${share}` },
          cell: ({ lift }) => <Range value={lift[size]} format={formatFactor} />,
        },
      ];
    }),
    {
      ...{ key: 'auc', title: 'Ranks a customer higher' },
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
        {data}: {campaigns}. "Ranks a customer higher": how often a customer stands above somebody who is none; 50% is
        chance.
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
