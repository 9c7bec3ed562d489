/** Search, status, labels and dates of creation, kept in the address so that a link shows the same list. */
import { useEffect, useLayoutEffect, useState } from 'preact/hooks';
import type { Campaign, CampaignState } from '../../api/types.ts';
import { useConsole } from '../../console.ts';
import { Field, Select, TextField } from '../../ui/field.tsx';
import { choicesOf, choose, dayOf, startOf } from './choices.ts';
import { LabelFilter } from './label-filter.tsx';
import { STATES } from './words.ts';

/** Milliseconds after the last keystroke until the search is sent. */
const PAUSE_MS = 200;
/** Maximum number of characters of a search, as limited by the service. */
const MOST_CHARACTERS = 200;
/** While a year is typed, a date field has years such as 20, which are not meant. */
const FIRST_DAY = '2000-01-01';

export function Filters({ campaigns }: { readonly campaigns: readonly Campaign[] }) {
  const { page, router } = useConsole();
  const choices = choicesOf(router.place.value);
  const { search = '', label = [], created_from: from, created_to: to } = choices;
  const [text, setText] = useState(search);
  // another address, by a link or by the browser's buttons, replaces what was typed
  useLayoutEffect(() => setText(search), [search]);
  // only typing delays the search
  useEffect(() => {
    if (text === search) return;
    const timer = page.setTimeout(() => choose(router, { search: text }, { replace: true }), PAUSE_MS);
    return () => page.clearTimeout(timer);
  }, [text]);
  return (
    <search class="filters">
      <TextField
        label="Search audiences"
        value={text}
        onValue={setText}
        input={{ type: 'search', placeholder: 'Name or ID', 'data-search': true, maxLength: MOST_CHARACTERS }}
      />
      <Select
        label="Status"
        value={choices.state ?? ''}
        onValue={(state) => choose(router, { state: (state || undefined) as CampaignState | undefined })}
        options={[
          { value: '', label: 'All statuses' },
          ...Object.entries(STATES).map(([value, word]) => ({ value, label: word.text })),
        ]}
      />
      <LabelFilter chosen={label} campaigns={campaigns} onChoose={(next) => choose(router, { label: next })} />
      <DateFilter
        label="Created from"
        day={dayOf(from)}
        onDay={(day) => choose(router, { created_from: day === '' ? undefined : startOf(day) })}
      />
      <DateFilter
        label="Created until"
        day={dayOf(to, { isEnd: true })}
        onDay={(day) => choose(router, { created_to: day === '' ? undefined : startOf(day, 1) })}
      />
    </search>
  );
}

interface DateFilterProps {
  readonly label: string;
  /** YYYY-MM-DD, or empty. */
  readonly day: string;
  readonly onDay: (day: string) => void;
}

function DateFilter({ label, day, onDay }: DateFilterProps) {
  const [text, setText] = useState(day);
  useLayoutEffect(() => setText(day), [day]);
  return (
    <Field label={label}>
      {(control) => (
        <input
          {...control}
          type="date"
          class="control"
          min={FIRST_DAY}
          value={text}
          onChange={({ currentTarget: { value, validity } }) => {
            setText(value);
            if (validity.valid && value !== day) onDay(value);
          }}
        />
      )}
    </Field>
  );
}
