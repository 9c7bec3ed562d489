/** Search, status and label, kept in the address so that a filtered list can be shared as a link. */
import { useEffect, useLayoutEffect, useState } from 'preact/hooks';
import type { Campaign } from '../../api/types.ts';
import { useConsole } from '../../console.ts';
import { hrefOf } from '../../router.ts';
import { Select, TextField } from '../../ui/field.tsx';
import { STATES } from './words.ts';

/** Milliseconds after the last keystroke until the search is sent. */
const PAUSE_MS = 200;

/** Changes only the given query parameters of the address. */
function useQuery() {
  const { router } = useConsole();
  const { segments, query } = router.place.value;
  const change = (part: Readonly<Record<string, string>>) =>
    router.go(hrefOf(segments.length === 0 ? ['audiences'] : segments, { ...query, ...part }), { replace: true });
  return { query, change };
}

export function Filters({ campaigns }: { readonly campaigns: readonly Campaign[] }) {
  const { page } = useConsole();
  const { query, change } = useQuery();
  const search = query['search'] ?? '';
  const [text, setText] = useState(search);
  // another address, by a link or by the browser's buttons, replaces what was typed
  useLayoutEffect(() => setText(search), [search]);
  // only typing delays the search
  useEffect(() => {
    if (text === search) return;
    const timer = page.setTimeout(() => change({ search: text }), PAUSE_MS);
    return () => page.clearTimeout(timer);
  }, [text]);
  const label = query['label'] ?? '';
  const labels = new Set(campaigns.flatMap((each) => Object.entries(each.labels).map((pair) => pair.join('='))));
  if (label !== '') labels.add(label);
  return (
    <search class="filters">
      <TextField
        label="Search audiences"
        isLabelHidden
        value={text}
        onValue={setText}
        input={{ type: 'search', placeholder: 'Search by name or ID', 'data-search': true }}
      />
      <Select
        label="Status"
        isLabelHidden
        value={query['state'] ?? ''}
        onValue={(state) => change({ state })}
        options={[
          { value: '', label: 'All statuses' },
          ...Object.entries(STATES).map(([value, word]) => ({ value, label: word.text })),
        ]}
      />
      {labels.size > 0 ? (
        <Select
          label="Label"
          isLabelHidden
          value={label}
          onValue={(chosen) => change({ label: chosen })}
          options={[
            { value: '', label: 'All labels' },
            ...[...labels].sort().map((value) => ({ value, label: value.replace('=', ': ') })),
          ]}
        />
      ) : null}
    </search>
  );
}
