/** The page of the audit log. */
import { useState } from 'preact/hooks';
import { usePolled } from '../../api/use-polled.ts';
import { useConsole } from '../../console.ts';
import { hrefOf } from '../../router.ts';
import { Button } from '../../ui/button.tsx';
import { Select, TextField } from '../../ui/field.tsx';
import { formatCount, formatTime } from '../../ui/format.ts';
import { Page } from '../../ui/page.tsx';
import { saveFile } from '../../ui/save-file.ts';
import { Empty, Failed, Loading } from '../../ui/states.tsx';
import { type Column, Table } from '../../ui/table.tsx';
import { capital } from '../../ui/words.ts';
import { type Entry, type Log, loadLog } from './load.ts';
import './audit.css';

const EVERY_MS = 10_000;
const DAY_MS = 86_400_000;
const FIRST_ROWS = 100;

const SPANS = [
  { value: '1', label: 'Last 24 hours' },
  { value: '7', label: 'Last 7 days' },
  { value: '30', label: 'Last 30 days' },
  { value: 'all', label: 'Everything' },
] as const;

export function Audit() {
  const { api, router, time } = useConsole();
  const days = router.place.value.query['days'] ?? '7';
  const { data, error, refresh } = usePolled(
    (signal) => {
      const since = days === 'all' ? null : new Date(time.now() - Number(days) * DAY_MS).toISOString();
      return loadLog(api, since, signal);
    },
    { key: days, everyMs: EVERY_MS, keepsLast: true },
  );
  return (
    <Page title="Audit log" lead="What was changed, when and by whom. The log contains no user IDs and no keys.">
      {data !== undefined ? (
        <Entries log={data} days={days} />
      ) : error !== undefined ? (
        <Failed error={error} onRetry={refresh} />
      ) : (
        <Loading />
      )}
    </Page>
  );
}

function Entries({ log: { entries, isCut, names }, days }: { readonly log: Log; readonly days: string }) {
  const { page, router } = useConsole();
  const [text, setText] = useState('');
  const [count, setCount] = useState(FIRST_ROWS);
  const wordsOf = (entry: Entry) => `${Object.values(entry).join(' ')} ${names.get(entry.actor) ?? ''}`.toLowerCase();
  const found = text === '' ? entries : entries.filter((entry) => wordsOf(entry).includes(text.toLowerCase()));
  const download = () => {
    const lines = found.map((entry) => `${JSON.stringify(entry)}\n`);
    saveFile(page, new Blob(lines, { type: 'application/x-ndjson' }), 'audit.ndjson');
  };
  return (
    <>
      <search class="audit-filters">
        <TextField
          label="Search the log"
          isLabelHidden
          value={text}
          onValue={setText}
          input={{ type: 'search', placeholder: 'Search by key, action or ID' }}
        />
        <Select
          label="Time span"
          isLabelHidden
          value={days}
          onValue={(value) => router.go(hrefOf(['audit'], { days: value }), { replace: true })}
          options={SPANS}
        />
        <Button onClick={download} disabled={found.length === 0}>
          Download
        </Button>
      </search>
      {found.length === 0 ? (
        <Empty title="No entries">Choose a longer time span, or another word.</Empty>
      ) : (
        <>
          <Table
            caption="Audit log, newest first"
            columns={columnsOf(names)}
            rows={found.slice(0, count)}
            rowKey={({ time: at, request_id: request, action, resource_id: id }) => `${at} ${request} ${action} ${id}`}
          />
          <div class="list-foot">
            <span class="muted small">
              {formatCount(Math.min(count, found.length))} of {formatCount(found.length)} entries
              {isCut ? '. Earlier entries are not shown: choose a shorter time span, or export them with the API.' : ''}
            </span>
            {count < found.length ? <Button onClick={() => setCount(count + 5 * FIRST_ROWS)}>Show more</Button> : null}
          </div>
        </>
      )}
    </>
  );
}

const ACTORS: Readonly<Record<string, string>> = {
  admin: 'Operator’s key',
  local: 'Command line',
  anonymous: 'Without a key',
  service: 'The service itself',
};

function columnsOf(names: ReadonlyMap<string, string>): readonly Column<Entry>[] {
  const whoOf = (actor: string) => ACTORS[actor] ?? names.get(actor) ?? actor;
  return [
    {
      key: 'time',
      title: 'Time',
      sortBy: ({ time }) => time,
      cell: ({ time }) => <time dateTime={time}>{formatTime(time)}</time>,
    },
    {
      key: 'actor',
      title: 'Who',
      sortBy: ({ actor }) => whoOf(actor),
      cell: ({ actor, address }) => (
        <div>
          {whoOf(actor)}
          <div class="muted small">{names.has(actor) ? `${actor} · ${address ?? ''}` : address}</div>
        </div>
      ),
    },
    { key: 'action', title: 'Action', cell: ({ action }) => wordsOf(action), sortBy: ({ action }) => action },
    { key: 'resource', title: 'What', cell: Resource, sortBy: ({ resource, resource_id: id }) => `${resource} ${id}` },
    {
      key: 'request',
      title: 'Request',
      sortBy: ({ status }) => status,
      cell: ({ status, request_id: request }) =>
        request === null ? (
          <span class="none" />
        ) : (
          <span class="muted small request">
            {status} · <span class="mono">{request}</span>
          </span>
        ),
    },
  ];
}

function Resource({ resource, resource_id: id, action }: Entry) {
  if (resource === null) return <span class="none" />;
  return (
    <div>
      {capital(resource.replaceAll('_', ' '))}
      {id === null ? null : (
        <div class="mono small request">
          {resource === 'campaign' && action !== 'deleteCampaign' ? <a href={hrefOf(['audiences', id])}>{id}</a> : id}
        </div>
      )}
    </div>
  );
}

/** `deleteCampaign` becomes "Delete campaign". */
function wordsOf(action: string): string {
  return capital(action.replaceAll(/([a-z])([A-Z])/g, '$1 $2').toLowerCase());
}
