/** Shows the details of a version: coverage of features, values unknown to the model, changes by the import. */
import type { PopulationChanges, PopulationDetail, PopulationVersion } from '../../api/types.ts';
import { usePolled } from '../../api/use-polled.ts';
import { useConsole } from '../../console.ts';
import { typeTitle } from '../../lists/identifiers.ts';
import { Badge } from '../../ui/badge.tsx';
import { Facts, Section } from '../../ui/facts.tsx';
import { formatCount, formatShare } from '../../ui/format.ts';
import { Failed, Loading } from '../../ui/states.tsx';
import { type Column, Table } from '../../ui/table.tsx';
import { loadVersion } from './load.ts';

/** Share of unknown values at which the page shows a warning. */
const NOTABLE_UNKNOWN = 0.05;

interface DetailProps {
  readonly version: PopulationVersion;
  readonly before: PopulationVersion | null;
  /** The version in use. If another version is used, the details of this version are loaded again. */
  readonly served: string;
}

export function VersionDetail({ version: { version }, before, served }: DetailProps) {
  const { api } = useConsole();
  const since = before?.version ?? null;
  const { data, error, refresh } = usePolled((signal) => loadVersion(api, version, since, signal), {
    key: `${version} ${since} ${served}`,
    everyMs: () => null,
  });
  if (data === undefined) return error === undefined ? <Loading /> : <Failed error={error} onRetry={refresh} />;
  return (
    <>
      <Section
        title={`What changed in ${version}`}
        lead={since === null ? null : `Compared with the previous version, ${since}.`}
      >
        {data.changes === null ? (
          <p class="muted">This is the first version, so there is no earlier version to compare it with.</p>
        ) : null}
        {data.changes === null ? null : <Changes changes={data.changes} />}
      </Section>
      {data.detail.identifiers.length === 0 ? null : <Identifiers detail={data.detail} />}
      <Section
        title={`Features in ${version}`}
        lead="Unknown values are values that the model in use has never seen. The model cannot tell people apart by these values."
      >
        <Table
          caption={`Features of version ${version}`}
          columns={columnsOf(data.detail, data.changes)}
          rows={data.detail.features}
          rowKey={({ name }) => name}
        />
      </Section>
    </>
  );
}

function Changes({ changes }: { readonly changes: PopulationChanges }) {
  const { added, removed, changed, kept, added_features: more, removed_features: fewer } = changes;
  return (
    <>
      <Facts
        facts={[
          { name: 'New people', value: formatCount(added) },
          { name: 'Removed people', value: formatCount(removed) },
          {
            name: 'People with changes',
            value: formatCount(changed),
            note: `of ${formatCount(kept)} people in both versions`,
          },
        ]}
      />
      {more.length > 0 ? <p>New features: {more.join(', ')}</p> : null}
      {fewer.length > 0 ? <p>Removed features: {fewer.join(', ')}</p> : null}
    </>
  );
}

type Identifiers = PopulationDetail['identifiers'][number];

function Identifiers({ detail: { version, users, identifiers } }: { readonly detail: PopulationDetail }) {
  return (
    <Section
      title={`Identifiers in ${version}`}
      lead="Lists, look-ups and exports can use these instead of user IDs. People who were erased later are still counted."
    >
      <Table
        caption={`Identifiers of version ${version}`}
        columns={identifierColumns(users)}
        rows={identifiers}
        rowKey={({ type, rule }) => `${type} ${rule}`}
      />
    </Section>
  );
}

function identifierColumns(users: number): readonly Column<Identifiers>[] {
  return [
    { key: 'type', title: 'Type', sortBy: ({ type }) => typeTitle(type), cell: ({ type }) => typeTitle(type) },
    { key: 'rule', title: 'Rule', sortBy: ({ rule }) => rule, cell: ({ rule }) => rule },
    {
      key: 'users',
      title: 'People with one',
      isNumber: true,
      sortBy: (one) => one.users,
      cell: (one) => <PeopleShare count={one.users} users={users} />,
    },
    {
      key: 'count',
      title: 'Identifiers',
      isNumber: true,
      sortBy: ({ count }) => count,
      cell: ({ count }) => formatCount(count),
    },
  ];
}

/** A number of people, with their share of the population. */
function PeopleShare({ count, users }: { readonly count: number; readonly users: number }) {
  return (
    <div>
      {formatShare(users === 0 ? 0 : count / users)}
      <div class="muted small">{formatCount(count)}</div>
    </div>
  );
}

type Feature = PopulationDetail['features'][number];

function columnsOf({ users }: PopulationDetail, changes: PopulationChanges | null): readonly Column<Feature>[] {
  const none = <span class="muted none">–</span>;
  const changedOf = (name: string) => changes?.features.find((one) => one.name === name)?.changed;
  const columns: Column<Feature>[] = [
    {
      key: 'name',
      title: 'Feature',
      sortBy: ({ name }) => name,
      cell: ({ name, sensitive }) => (
        <>
          {name} {sensitive ? <Badge tone="warn">Sensitive</Badge> : null}
        </>
      ),
    },
    {
      key: 'users',
      title: 'People with a value',
      isNumber: true,
      sortBy: (one) => one.users,
      cell: (one) => <PeopleShare count={one.users} users={users} />,
    },
    {
      key: 'values',
      title: 'Distinct values',
      isNumber: true,
      sortBy: ({ values }) => values,
      cell: ({ values }) => (values === null ? none : formatCount(values)),
    },
    { key: 'unknown', title: 'Unknown to the model', cell: Unknown, sortBy: ({ unknown_share: share }) => share },
  ];
  if (changes === null) return columns;
  const changed: Column<Feature> = {
    key: 'changed',
    title: 'People with changes',
    isNumber: true,
    sortBy: ({ name }) => changedOf(name),
    cell: ({ name }) => {
      const count = changedOf(name);
      return count === undefined ? none : formatCount(count);
    },
  };
  return [...columns, changed];
}

function Unknown({ values, unknown_values: unknown, unknown_share: share }: Feature) {
  if (values === null) return <span class="muted none">–</span>;
  if (unknown === null || share === null) return <span class="muted">not used by the model</span>;
  if (unknown === 0) return <span class="muted">none</span>;
  return (
    <div>
      <Badge tone={share >= NOTABLE_UNKNOWN ? 'warn' : 'neutral'}>{formatShare(share)} of people’s values</Badge>
      <div class="muted small">
        {formatCount(unknown)} of {formatCount(values)} values
      </div>
    </div>
  );
}
