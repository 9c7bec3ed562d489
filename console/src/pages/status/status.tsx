/** The page of the service's status, for operators and for users who wait for a result. */
import { useRef } from 'preact/hooks';
import { call } from '../../api/client.ts';
import type { Status as Answer } from '../../api/types.ts';
import { usePolled } from '../../api/use-polled.ts';
import { useConsole } from '../../console.ts';
import { hrefOf } from '../../router.ts';
import { Badge } from '../../ui/badge.tsx';
import { Facts, Section } from '../../ui/facts.tsx';
import { formatAgo, formatBytes, formatCount, formatDuration, formatShare, formatTime } from '../../ui/format.ts';
import { Page } from '../../ui/page.tsx';
import { Failed, Loading } from '../../ui/states.tsx';
import { type Column, Table } from '../../ui/table.tsx';
import { STATES } from '../audiences/words.ts';

const EVERY_MS = 2_000;
/** Time span over which throughput is measured. */
const WINDOW_SECONDS = 30;

type Part = Answer['parts'][number];
type LastError = Answer['last_errors'][number];

export function Status() {
  const { api } = useConsole();
  const { data, error, refresh } = usePolled((signal) => call(api.GET('/v1/status', { signal })), {
    key: 'status',
    everyMs: EVERY_MS,
  });
  return (
    <Page title="Status" lead={data === undefined ? null : <Summary status={data} />}>
      {data !== undefined ? (
        <Body status={data} />
      ) : error !== undefined ? (
        <Failed error={error} onRetry={refresh} />
      ) : (
        <Loading />
      )}
    </Page>
  );
}

function Summary({ status: { ready, parts } }: { readonly status: Answer }) {
  const ill = parts.filter((part) => !part.ready).map(({ name }) => name);
  if (ready) return <Badge tone="good">Everything is working</Badge>;
  return <Badge tone="bad">Not ready: {ill.join(', ')}</Badge>;
}

function Body({ status }: { readonly status: Answer }) {
  const { time } = useConsole();
  return (
    <>
      <Work status={status} />
      <Section title="Components" lead="The service accepts work only while all components are ready.">
        <Table caption="Components of the service" columns={PARTS} rows={status.parts} rowKey={({ name }) => name} />
      </Section>
      <Service status={status} />
      <Section title="Last errors">
        {status.last_errors.length === 0 ? (
          <p class="muted">No errors since the service started.</p>
        ) : (
          <Table
            caption="Last errors, newest first"
            columns={errorColumns(time.now())}
            rows={status.last_errors}
            rowKey={({ at, code, expansion_id: id, route }) => `${at} ${code} ${id ?? route}`}
          />
        )}
      </Section>
    </>
  );
}

function Work({ status }: { readonly status: Answer }) {
  const { queue, engine, webhooks } = status;
  const rate = useThroughput(status);
  const states = Object.entries(queue.by_state).filter(([, count]) => count > 0);
  return (
    <Section title="Work">
      <Facts
        facts={[
          {
            name: 'Waiting',
            value: formatCount(queue.depth),
            note:
              queue.depth > 0 ? `the oldest has waited ${formatDuration(queue.oldest_seconds)}` : 'the queue is empty',
          },
          { name: 'In progress', value: engine.expanding === null ? '–' : formatCount(engine.expanding) },
          {
            name: 'Throughput',
            value: rate === null ? '–' : `${formatCount(Math.round(rate))}/s`,
            note: 'people scored in the last 30 seconds',
          },
          { name: 'People scored', value: formatCount(engine.users_scored), note: 'since the service started' },
          {
            name: 'Webhook deliveries',
            value: formatCount(webhooks.delivered),
            note: `${formatCount(webhooks.pending)} pending, ${formatCount(webhooks.failed)} failed`,
          },
        ]}
      />
      <p class="muted small">
        {states.length === 0 ? 'No audiences yet.' : `Audiences: ${states.map(inWords).join(', ')}.`}
      </p>
    </Section>
  );
}

function Service({ status }: { readonly status: Answer }) {
  const { versions, disk, engine } = status;
  return (
    <Section title="Service">
      <Facts
        facts={[
          { name: 'Version', value: versions.service, note: `database ${versions.database_schema}` },
          { name: 'Uptime', value: formatUptime(status.uptime_seconds), note: formatTime(status.started_at) },
          {
            name: 'Model',
            note: 'in use',
            value: (
              <a class="mono" href={hrefOf(['models'])}>
                {versions.model}
              </a>
            ),
          },
          {
            name: 'Population',
            note: 'in use',
            value: (
              <a class="mono" href={hrefOf(['populations'])}>
                {versions.population}
              </a>
            ),
          },
          {
            name: 'Free disk',
            value: disk === null ? 'unknown' : formatBytes(disk.free_bytes),
            note:
              disk === null
                ? 'not reported by the system'
                : `${formatShare(disk.free_bytes / disk.total_bytes)} of ${formatBytes(disk.total_bytes)}`,
          },
          {
            ...{
              name: 'Engine memory',
              note: `threads: ${engine.threads ?? 0}, restarts: ${engine.restarts}`,
            },
            value: engine.resident_bytes === null ? '–' : formatBytes(engine.resident_bytes),
          },
        ]}
      />
    </Section>
  );
}

function inWords([state, count]: readonly [string, number]): string {
  const word = Object.hasOwn(STATES, state) ? STATES[state as keyof typeof STATES].text.toLowerCase() : state;
  return `${formatCount(count)} ${word}`;
}

/** Formats an uptime. For long times, whole days are precise enough. */
function formatUptime(seconds: number): string {
  const days = Math.floor(seconds / 86_400);
  return days > 1 ? `${formatCount(days)} days` : formatDuration(seconds);
}

const PARTS: readonly Column<Part>[] = [
  { key: 'name', title: 'Component', cell: ({ name }) => name, sortBy: ({ name }) => name },
  {
    key: 'state',
    title: 'Status',
    sortBy: ({ ready }) => Number(ready),
    cell: ({ ready }) => (ready ? <Badge tone="good">Ready</Badge> : <Badge tone="bad">Not ready</Badge>),
  },
  { key: 'detail', title: 'Details', cell: ({ detail }) => <span class="detail">{detail}</span> },
];

function errorColumns(now: number): readonly Column<LastError>[] {
  return [
    {
      key: 'code',
      title: 'Error',
      cell: ({ code }) => <a href={`/docs/errors/${code}`}>{code}</a>,
      sortBy: ({ code }) => code,
    },
    {
      key: 'where',
      title: 'Where',
      sortBy: ({ campaign_id: id, route }) => id ?? route,
      cell: ({ campaign_id: id, route }) =>
        id === null ? <span class="mono">{route}</span> : <a href={hrefOf(['audiences', id])}>An audience</a>,
    },
    {
      key: 'at',
      title: 'When',
      sortBy: ({ at }) => at,
      cell: ({ at }) => (
        <time dateTime={at} title={formatTime(at)}>
          {formatAgo(at, now)}
        </time>
      ),
    },
  ];
}

/**
 * People scored per second, as observed by the page; null until the page has two responses since the same start of the
 * service.
 */
function useThroughput({ uptime_seconds: at, engine: { users_scored: scored } }: Answer): number | null {
  const seen = useRef<{ at: number; scored: number }[]>([]);
  const last = seen.current.at(-1);
  // after a restart, the service counts from 0
  if (last !== undefined && (at < last.at || scored < last.scored)) seen.current = [];
  if (last?.at !== at) seen.current = [...seen.current, { at, scored }].filter((one) => at - one.at <= WINDOW_SECONDS);
  const [first] = seen.current;
  if (first === undefined || at === first.at) return null;
  return (scored - first.scored) / (at - first.at);
}
