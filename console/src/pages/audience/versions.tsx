/** Lists the versions of the audience with their inputs and changes. Users can return to an earlier version. */
import { useState } from 'preact/hooks';
import type { Campaign } from '../../api/types.ts';
import { usePolled } from '../../api/use-polled.ts';
import { useConsole } from '../../console.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { formatCount, formatDuration, formatTime } from '../../ui/format.ts';
import { Empty, Failed, Loading } from '../../ui/states.tsx';
import { type Column, Table } from '../../ui/table.tsx';
import { causeWords, changedWords } from './causes.ts';
import { loadChanges, loadVersions, type Version } from './load-versions.ts';
import { ReceiptDialog } from './receipt.tsx';
import { ServeVersion } from './serve-version.tsx';

const SHORT_VERSION = 7;
/** Interval at which the page checks for versions that other users created. */
const CALM_MS = 10_000;

interface VersionsProps {
  readonly campaign: Campaign;
  readonly onChange: () => void;
}

export function Versions({ campaign: { id, audience_version: active }, onChange }: VersionsProps) {
  const { api, session } = useConsole();
  const { data, error, refresh } = usePolled((signal) => loadVersions(api, id, signal), {
    key: `${id} ${active}`,
    everyMs: CALM_MS,
  });
  const [target, setTarget] = useState<Version | null>(null);
  const [proven, setProven] = useState<number | null>(null);
  if (data === undefined) return error === undefined ? <Loading /> : <Failed error={error} onRetry={refresh} />;
  if (data.length === 0) return <Empty title="No versions yet">The first version appears when it is ready.</Empty>;
  return (
    <div class="stack">
      <Changing id={id} active={active} versions={data}>
        {(change) => (
          <Table
            caption="Versions, newest first"
            rows={data}
            rowKey={({ version }) => String(version)}
            columns={columnsOf(change, { onReceipt: setProven, onServe: session.may('write') ? setTarget : null })}
          />
        )}
      </Changing>
      <p class="muted small">
        A new size, hold-out or set of cuts creates a new version from the same ranking. “Why” lists what differs from
        the version that was in use before.
      </p>
      {target === null ? null : (
        <ServeVersion id={id} target={target} onClose={() => setTarget(null)} onChange={onChange} />
      )}
      {proven === null ? null : <ReceiptDialog id={id} version={proven} onClose={() => setProven(null)} />}
    </div>
  );
}

interface Actions {
  readonly onReceipt: (version: number) => void;
  /** Null if the user may not choose another version. */
  readonly onServe: ((version: Version) => void) | null;
}

function columnsOf(
  change: (version: number) => string | null,
  { onReceipt, onServe }: Actions,
): readonly Column<Version>[] {
  const columns: readonly Column<Version>[] = [
    {
      key: 'version',
      title: 'Version',
      sortBy: ({ version }) => version,
      cell: ({ version, active }) => (
        <>
          Version {version} {active ? <Badge tone="good">In use</Badge> : null}
        </>
      ),
    },
    { key: 'size', title: 'People', isNumber: true, cell: ({ size }) => formatCount(size), sortBy: ({ size }) => size },
    {
      key: 'cause',
      title: 'Why',
      sortBy: causeWords,
      cell: (each) => (
        <div>
          {causeWords(each)}
          <div class="muted small">{changedWords(each)}</div>
        </div>
      ),
    },
    { key: 'change', title: 'Compared with the version in use', cell: ({ version }) => textOr(change(version)) },
    { key: 'model', title: 'Model', cell: ({ model }) => shortOf(model), sortBy: ({ model }) => model },
    {
      key: 'population',
      title: 'Population',
      cell: ({ population_version: population }) => shortOf(population),
      sortBy: ({ population_version: population }) => population,
    },
    {
      key: 'made',
      title: 'Built',
      sortBy: ({ created_at: at }) => at,
      cell: ({ created_at: at, seconds }) => (
        <div>
          {formatTime(at)}
          {seconds === null ? null : <div class="muted small">ranked in {formatDuration(seconds)}</div>}
        </div>
      ),
    },
    {
      key: 'receipt',
      title: 'Receipt',
      cell: ({ version }) => (
        <Button aria-label={`Receipt of version ${version}`} onClick={() => onReceipt(version)}>
          Receipt
        </Button>
      ),
    },
  ];
  if (onServe === null) return columns;
  const cell = (each: Version) =>
    each.active ? <span class="none" /> : <Button onClick={() => onServe(each)}>Use version {each.version}</Button>;
  return [...columns, { key: 'do', title: 'Action', cell }];
}

function textOr(text: string | null) {
  return text === null ? <span class="muted none">–</span> : text;
}

function shortOf(version: string | null) {
  if (version === null) return textOr(null);
  return (
    <span class="mono" title={version}>
      {version.slice(0, SHORT_VERSION)}
    </span>
  );
}

interface ChangingProps {
  readonly id: string;
  readonly active: number | null;
  readonly versions: readonly Version[];
  readonly children: (change: (version: number) => string | null) => preact.ComponentChildren;
}

/** Loads how many people each version would add and remove. The table is shown before these numbers arrive. */
function Changing({ id, active, versions, children }: ChangingProps) {
  const { api } = useConsole();
  const others = versions.map(({ version }) => version).filter((version) => version !== active);
  const { data } = usePolled((signal) => loadChanges(api, { id, active, others }, signal), {
    key: `${id} ${active} ${others}`,
    everyMs: () => null,
  });
  return (
    <>
      {children((version) => {
        const found = data?.get(version);
        if (found === undefined) return null;
        const { added, removed } = found;
        return added + removed === 0 ? 'the same people' : `+${formatCount(added)}, −${formatCount(removed)}`;
      })}
    </>
  );
}
