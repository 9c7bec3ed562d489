/** Counts the people that this audience shares with another one: whole audiences or cuts. */
import { useState } from 'preact/hooks';
import { call } from '../../api/client.ts';
import type { Campaign, OverlapReport } from '../../api/types.ts';
import { usePolled } from '../../api/use-polled.ts';
import { useConsole } from '../../console.ts';
import { Select, TextField } from '../../ui/field.tsx';
import { formatCount, formatShare } from '../../ui/format.ts';
import { Failed, Loading } from '../../ui/states.tsx';
import { CutSelect } from './cut-select.tsx';

/** Maximum number of audiences to choose from. A search finds others. */
const MOST_OFFERED = 50;

export function Overlap({ campaign }: { readonly campaign: Campaign }) {
  const { api } = useConsole();
  const [search, setSearch] = useState('');
  const [otherId, setOtherId] = useState('');
  const [cut, setCut] = useState('');
  const [otherCut, setOtherCut] = useState('');
  const { data } = usePolled(
    async (signal) => {
      const query = { limit: MOST_OFFERED, ...(search.trim() !== '' && { search: search.trim() }) };
      const { items } = await call(api.GET('/v1/campaigns', { params: { query }, signal }));
      return items.filter(({ audience_version: version }) => version !== null);
    },
    { key: search.trim(), everyMs: () => null, keepsLast: true },
  );
  if (campaign.audience_version === null) return null;
  const offered = data ?? [];
  const other = offered.find(({ id }) => id === otherId);
  const choose = (id: string) => {
    setOtherId(id);
    setOtherCut('');
  };
  return (
    <section class="panel" aria-label="Overlap">
      <h2>Overlap with another audience</h2>
      <div class="overlap-choice">
        <CutSelect label="Part of this audience" cuts={campaign.cuts} value={cut} onValue={setCut} />
        <TextField
          label="Find an audience"
          value={search}
          onValue={setSearch}
          input={{ type: 'search', placeholder: 'Name or ID', autocomplete: 'off' }}
        />
        <Select
          label="Other audience"
          value={other === undefined ? '' : otherId}
          onValue={choose}
          options={[
            { value: '', label: 'Choose an audience' },
            ...offered.map(({ id, name }) => ({ value: id, label: id === campaign.id ? `${name} (this one)` : name })),
          ]}
        />
        <CutSelect label="Part of the other audience" cuts={other?.cuts ?? []} value={otherCut} onValue={setOtherCut} />
      </div>
      {other === undefined ? null : <Counts {...{ campaign, other, cut, otherCut }} />}
    </section>
  );
}

interface CountsProps {
  readonly campaign: Campaign;
  readonly other: Campaign;
  /** The names of cuts; empty for the audiences. */
  readonly cut: string;
  readonly otherCut: string;
}

function Counts({ campaign, other, cut, otherCut }: CountsProps) {
  const { api } = useConsole();
  const { data, error, refresh } = usePolled(
    (signal) => {
      const path = { id: campaign.id, other_id: other.id };
      const query = { ...(cut && { cut }), ...(otherCut && { other_cut: otherCut }) };
      return call(api.GET('/v1/campaigns/{id}/overlap/{other_id}', { params: { path, query }, signal }));
    },
    { key: [campaign.id, campaign.audience_version, cut, other.id, otherCut].join(' '), everyMs: () => null },
  );
  if (data === undefined)
    return error === undefined ? <Loading lines={2} /> : <Failed error={error} onRetry={refresh} />;
  return (
    <>
      <dl class="expected" aria-live="polite">
        <Count
          title="In both"
          value={rangeOf(data.both, formatCount)}
          note={`${rangeOf(data.jaccard, formatShare)} of those in either`}
        />
        <Count title="Here" value={rangeOf(data.audience.users, formatCount)} />
        <Count title="In the other" value={rangeOf(data.other.users, formatCount)} />
        <Count title="In either" value={rangeOf(data.either, formatCount)} />
      </dl>
      <p class="muted small">
        People who are held out are not counted.
        {data.exact ? null : ' Your key may only read, so it gets ranges that hide single people.'}
      </p>
    </>
  );
}

function Count({ title, value, note }: { readonly title: string; readonly value: string; readonly note?: string }) {
  return (
    <div>
      <dt>{title}</dt>
      <dd>{value}</dd>
      {note === undefined ? null : <dd class="muted small">{note}</dd>}
    </div>
  );
}

function rangeOf({ min, max }: OverlapReport['both'], format: (value: number) => string): string {
  return min === max ? format(min) : `${format(min)} to ${format(max)}`;
}
