/** The page of population versions. */
import { useState } from 'preact/hooks';
import { call } from '../../api/client.ts';
import type { PopulationVersion } from '../../api/types.ts';
import { usePolled } from '../../api/use-polled.ts';
import { useConsole } from '../../console.ts';
import { hrefOf } from '../../router.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { Section } from '../../ui/facts.tsx';
import { formatAgo, formatBytes, formatCount, formatTime } from '../../ui/format.ts';
import { Page } from '../../ui/page.tsx';
import { Empty, Failed, Loading } from '../../ui/states.tsx';
import { type Column, Table } from '../../ui/table.tsx';
import { loadVersions } from './load.ts';
import { VersionDetail } from './version-detail.tsx';

/** Interval at which the page checks for versions that other users activated. */
const EVERY_MS = 3_000;

export function Populations() {
  const { api, router } = useConsole();
  const { data, error, refresh } = usePolled((signal) => loadVersions(api, signal), {
    key: 'populations',
    everyMs: EVERY_MS,
  });
  return (
    <Page title="Populations" lead="The people that audiences are chosen from. Each import creates a version.">
      {data !== undefined ? (
        <Versions versions={data} chosen={router.place.value.query['version']} onChange={refresh} />
      ) : error !== undefined ? (
        <Failed error={error} onRetry={refresh} />
      ) : (
        <Loading />
      )}
    </Page>
  );
}

interface VersionsProps {
  readonly versions: readonly PopulationVersion[];
  readonly chosen: string | undefined;
  readonly onChange: () => void;
}

function Versions({ versions, chosen, onChange }: VersionsProps) {
  const { session, time } = useConsole();
  const [asked, setAsked] = useState<PopulationVersion | null>(null);
  const served = versions.find((one) => one.served);
  const shown = versions.find(({ version }) => version === chosen) ?? served ?? versions[0];
  if (shown === undefined)
    return <Empty title="No versions yet">Create a version with `metaheac population import`.</Empty>;
  const before = versions[versions.indexOf(shown) + 1];
  const columns = columnsOf(
    session.may('admin') && versions.length > 1 ? { versions, onAsk: setAsked } : null,
    time.now(),
  );
  return (
    <>
      <Section title="Versions">
        <Table
          caption="Versions of the population, newest first"
          columns={columns}
          rows={versions}
          rowKey={(one) => one.version}
        />
      </Section>
      <VersionDetail key={shown.version} version={shown} before={before ?? null} served={served?.version ?? ''} />
      <Activation version={asked} served={served} onClose={() => setAsked(null)} onDone={onChange} />
    </>
  );
}

interface Offer {
  readonly versions: readonly PopulationVersion[];
  readonly onAsk: (version: PopulationVersion) => void;
}

/** Returns the columns of the list of versions. If `offer` is null, no actions are offered. */
function columnsOf(offer: Offer | null, now: number): readonly Column<PopulationVersion>[] {
  const columns: Column<PopulationVersion>[] = [
    {
      key: 'version',
      title: 'Version',
      sortBy: ({ version }) => version,
      cell: ({ version }) => (
        <a class="mono" href={hrefOf(['populations'], { version })}>
          {version}
        </a>
      ),
    },
    {
      key: 'state',
      title: 'Status',
      sortBy: ({ served }) => Number(!served),
      cell: ({ served }) => (served ? <Badge tone="good">In use</Badge> : <Badge tone="neutral">Kept</Badge>),
    },
    {
      key: 'users',
      title: 'People',
      isNumber: true,
      cell: ({ users }) => formatCount(users),
      sortBy: ({ users }) => users,
    },
    {
      key: 'bytes',
      title: 'Size',
      isNumber: true,
      cell: ({ bytes }) => formatBytes(bytes),
      sortBy: ({ bytes }) => bytes,
    },
    {
      key: 'imported',
      title: 'Imported',
      sortBy: ({ imported_at: at }) => at,
      cell: ({ imported_at: at }) => (
        <time dateTime={at} title={formatTime(at)}>
          {formatAgo(at, now)}
        </time>
      ),
    },
  ];
  if (offer === null) return columns;
  const servedAt = offer.versions.findIndex(({ served }) => served);
  const Act = (one: PopulationVersion) =>
    one.served ? (
      <span class="none" />
    ) : (
      <Button onClick={() => offer.onAsk(one)} aria-label={`${wordFor(offer.versions, servedAt, one)} ${one.version}`}>
        {wordFor(offer.versions, servedAt, one)}
      </Button>
    );
  return [...columns, { key: 'act', title: 'Action', cell: Act }];
}

const wordFor = (versions: readonly PopulationVersion[], servedAt: number, one: PopulationVersion) =>
  servedAt >= 0 && versions.indexOf(one) > servedAt ? 'Roll back' : 'Activate';

interface ActivationProps {
  readonly version: PopulationVersion | null;
  readonly served: PopulationVersion | undefined;
  readonly onClose: () => void;
  readonly onDone: () => void;
}

function Activation({ version, served, onClose, onDone }: ActivationProps) {
  const { api, toasts } = useConsole();
  const activate = async () => {
    const path = { version: version!.version };
    await call(api.POST('/v1/populations/{version}/activate', { params: { path } }));
    toasts.say(`Population ${path.version} is now in use.`);
    onDone();
  };
  return (
    <Confirm
      title={`Use population ${version?.version ?? ''}?`}
      isOpen={version !== null}
      action="Use this version"
      onConfirm={activate}
      onClose={onClose}
    >
      <p>
        New audiences are chosen from the {formatCount(version?.users ?? 0)} people of this version, instead of the{' '}
        {formatCount(served?.users ?? 0)} people of <span class="mono">{served?.version ?? 'none'}</span>. The files of
        this version are checked first; if the files do not fit the model, nothing changes.
      </p>
      <p class="muted small">
        Audiences that are set to rebuild after each import are rebuilt. Other existing audiences stay as they are.
      </p>
    </Confirm>
  );
}
