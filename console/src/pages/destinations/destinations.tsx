/** The page of destinations: folders and buckets that receive each new version of an audience. */
import { useState } from 'preact/hooks';
import { call } from '../../api/client.ts';
import type { Destination, DestinationDelivery } from '../../api/types.ts';
import { usePolled } from '../../api/use-polled.ts';
import { useConsole } from '../../console.ts';
import { labelTitle, partsOfLabel } from '../../lists/identifiers.ts';
import { hrefOf } from '../../router.ts';
import { Badge, type Tone } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Confirm } from '../../ui/confirm.tsx';
import { Section } from '../../ui/facts.tsx';
import { formatTime } from '../../ui/format.ts';
import { messageOf } from '../../ui/message.ts';
import { Page } from '../../ui/page.tsx';
import { Empty, Failed, Loading } from '../../ui/states.tsx';
import { type Column, Table } from '../../ui/table.tsx';
import { EditDestination } from './edit-destination.tsx';
import { sentenceOf } from './error-words.ts';
import { NewDestination } from './new-destination.tsx';
import { FORMATS } from './received.tsx';

const EVERY_MS = 5_000;
/** Maximum number of destinations to show, and of latest deliveries per destination. */
const MOST = 100;
const DELIVERIES = 20;

interface Delivered extends DestinationDelivery {
  readonly destination: string;
}

export function Destinations() {
  const { api, session } = useConsole();
  const mayChange = session.may('admin');
  const { data, error, refresh } = usePolled(
    async (signal) => {
      const { items } = await call(api.GET('/v1/destinations', { params: { query: { limit: MOST } }, signal }));
      const lists = items.map(async ({ id, name }) => {
        const params = { path: { id }, query: { limit: DELIVERIES } };
        const page = await call(api.GET('/v1/destinations/{id}/deliveries', { params, signal }));
        return page.items.map((delivery) => ({ ...delivery, destination: name }));
      });
      const deliveries = (await Promise.all(lists)).flat();
      return { items, deliveries: deliveries.sort((a, b) => b.created_at.localeCompare(a.created_at)) };
    },
    { key: 'destinations', everyMs: EVERY_MS },
  );
  return (
    <Page title="Destinations" lead="Folders and buckets that receive each new version of an audience as files.">
      {data !== undefined ? (
        <>
          <List items={data.items} mayChange={mayChange} onChange={refresh} />
          {data.deliveries.length > 0 ? <Deliveries rows={data.deliveries} /> : null}
          {mayChange ? (
            <NewDestination onCreated={refresh} />
          ) : (
            <p class="muted">Your key can read destinations but not change them.</p>
          )}
        </>
      ) : error !== undefined ? (
        <Failed error={error} onRetry={refresh} />
      ) : (
        <Loading />
      )}
    </Page>
  );
}

interface ListProps {
  readonly items: readonly Destination[];
  readonly mayChange: boolean;
  readonly onChange: () => void;
}

function List({ items, mayChange, onChange }: ListProps) {
  const { api, toasts } = useConsole();
  const [deleted, setDeleted] = useState<Destination | null>(null);
  const [edited, setEdited] = useState<Destination | null>(null);
  const [tested, setTested] = useState<string | null>(null);
  if (items.length === 0) return <Empty title="No destinations">New versions are not written anywhere yet.</Empty>;
  const test = async ({ id, name }: Destination) => {
    setTested(id);
    try {
      const { ok, error } = await call(api.POST('/v1/destinations/{id}/test', { params: { path: { id } } }));
      toasts.say(ok ? `“${name}” can be written.` : `“${name}” cannot be written: ${error}`, ok ? 'good' : 'bad');
    } catch (error) {
      toasts.say(messageOf(error), 'bad');
    } finally {
      setTested(null);
    }
  };
  const pause = async ({ id, name, paused }: Destination) => {
    try {
      await call(api.PATCH('/v1/destinations/{id}', { params: { path: { id } }, body: { paused: !paused } }));
      toasts.say(paused ? `“${name}” receives versions again.` : `Deliveries to “${name}” wait.`);
      onChange();
    } catch (error) {
      toasts.say(messageOf(error), 'bad');
    }
  };
  const columns: Column<Destination>[] = [
    { key: 'name', title: 'Name', cell: Name, sortBy: ({ name }) => name },
    { key: 'place', title: 'Place', cell: (row) => <span class="mono small">{placeOf(row)}</span>, sortBy: placeOf },
    {
      key: 'what',
      title: 'Files',
      cell: filesOf,
    },
    { key: 'labels', title: 'Audiences', cell: audiencesOf },
  ];
  if (mayChange)
    columns.push({
      key: 'actions',
      title: 'Actions',
      cell: (row) => (
        <div class="actions">
          <Button onClick={() => test(row)} isBusy={tested === row.id}>
            Test
          </Button>
          <Button onClick={() => pause(row)}>{row.paused ? 'Resume' : 'Pause'}</Button>
          <Button onClick={() => setEdited(row)}>Edit</Button>
          <Button kind="danger" onClick={() => setDeleted(row)}>
            Delete
          </Button>
        </div>
      ),
    });
  return (
    <div class="section">
      <Table caption="Destinations, newest first" rows={items} rowKey={({ id }) => id} columns={columns} />
      {edited === null ? null : (
        <EditDestination destination={edited} onClose={() => setEdited(null)} onChange={onChange} />
      )}
      <Confirm
        title="Delete this destination?"
        isOpen={deleted !== null}
        action="Delete"
        kind="danger"
        onClose={() => setDeleted(null)}
        onConfirm={async () => {
          await call(api.DELETE('/v1/destinations/{id}', { params: { path: { id: deleted?.id ?? '' } } }));
          onChange();
        }}
      >
        <p>New versions are no longer written to “{deleted?.name}”. Files that were delivered stay.</p>
      </Confirm>
    </div>
  );
}

/** The place, or only its kind if the key may not see it. */
function placeOf({ kind, path, bucket, prefix }: Destination): string {
  return path ?? (bucket ? `s3://${bucket}/${prefix}` : kind);
}

function Name({ name, paused }: Destination) {
  return (
    <>
      {name} {paused ? <Badge tone="neutral">paused</Badge> : null}
    </>
  );
}

function filesOf({ format, mode, identifier }: Destination): string {
  const files = `${FORMATS[format]}, ${mode === 'full' ? 'all members' : 'only the changes'}`;
  return identifier === null ? files : `${files}; ${labelTitle(partsOfLabel(identifier))}`;
}

function audiencesOf({ labels, cut }: Destination): string {
  const all = Object.entries(labels).map(([key, text]) => `${key}: ${text}`);
  return [all.length === 0 ? 'All' : all.join(', '), ...(cut === null ? [] : [`cut ${cut}`])].join('; ');
}

const TONES: Readonly<Record<string, Tone>> = { delivered: 'good', failed: 'bad', pending: 'busy' };

function Deliveries({ rows }: { readonly rows: readonly Delivered[] }) {
  return (
    <Section title="Deliveries" lead="The latest versions that were written or wait to be written.">
      <Table
        caption="Deliveries, newest first"
        rows={rows}
        rowKey={({ id }) => id}
        columns={[
          {
            key: 'version',
            title: 'Audience',
            cell: ({ campaign_id: id, audience_version: version }) => (
              <a href={hrefOf(['audiences', id ?? ''])}>
                <span class="mono small">{id}</span>, version {version}
              </a>
            ),
          },
          { key: 'to', title: 'To', cell: ({ destination }) => destination, sortBy: ({ destination }) => destination },
          {
            key: 'state',
            title: 'Status',
            sortBy: ({ state }) => state,
            cell: ({ state, last_error: error, attempts }) => (
              <div>
                <Badge tone={TONES[state] ?? 'neutral'}>{state}</Badge>{' '}
                <span class="muted small">
                  {error === null ? null : `${error}, attempt ${attempts}. ${sentenceOf(error) ?? ''}`}
                </span>
              </div>
            ),
          },
          {
            key: 'at',
            title: 'When',
            cell: ({ created_at: at }) => formatTime(at),
            sortBy: ({ created_at: at }) => at,
          },
        ]}
      />
    </Section>
  );
}
