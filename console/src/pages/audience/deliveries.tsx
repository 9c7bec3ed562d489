/** Webhook deliveries about the audience, newest first, with the receivers' responses. */
import { call } from '../../api/client.ts';
import type { Campaign } from '../../api/types.ts';
import { usePolled } from '../../api/use-polled.ts';
import { useConsole } from '../../console.ts';
import { Badge, type Tone } from '../../ui/badge.tsx';
import { formatTime } from '../../ui/format.ts';
import { Table } from '../../ui/table.tsx';

const HOOKS = 20;
/** Maximum number of deliveries that are loaded for each webhook. */
const LOOKED_AT = 200;
const SHOWN = 20;
const TONES: Readonly<Record<string, Tone>> = { delivered: 'good', failed: 'bad', pending: 'busy' };

export function Deliveries({ campaign: { id } }: { readonly campaign: Campaign }) {
  const { api, session } = useConsole();
  const { data } = usePolled(
    async (signal) => {
      const hooks = await call(api.GET('/v1/webhooks', { params: { query: { limit: HOOKS } }, signal }));
      const lists = hooks.items.map(async (hook) => {
        const params = { path: { id: hook.id }, query: { limit: LOOKED_AT } };
        const { items } = await call(api.GET('/v1/webhooks/{id}/deliveries', { params, signal }));
        return items
          .filter((delivery) => delivery.campaign_id === id)
          .map((delivery) => ({ ...delivery, url: hook.url }));
      });
      return (await Promise.all(lists)).flat().sort((a, b) => b.created_at.localeCompare(a.created_at));
    },
    { key: id, everyMs: 10_000 },
  );
  if (!session.may('read') || data === undefined || data.length === 0) return null;
  return (
    <section class="panel" aria-label="Webhooks">
      <h2>Webhooks</h2>
      <p class="muted">The latest messages about this audience that were sent to your systems.</p>
      <Table
        caption="Deliveries, newest first"
        rows={data.slice(0, SHOWN)}
        rowKey={({ id: delivery }) => delivery}
        columns={[
          { key: 'type', title: 'Event', cell: ({ type }) => type, sortBy: ({ type }) => type },
          {
            key: 'state',
            title: 'Status',
            sortBy: ({ state }) => state,
            cell: ({ state, last_status: status, last_error: error }) => (
              <div>
                <Badge tone={TONES[state] ?? 'neutral'}>{state}</Badge>{' '}
                <span class="muted small">{status ?? error}</span>
              </div>
            ),
          },
          {
            key: 'url',
            title: 'To',
            cell: ({ url }) => <span class="mono small">{url}</span>,
            sortBy: ({ url }) => url,
          },
          {
            key: 'at',
            title: 'When',
            cell: ({ created_at: at }) => formatTime(at),
            sortBy: ({ created_at: at }) => at,
          },
        ]}
      />
    </section>
  );
}
