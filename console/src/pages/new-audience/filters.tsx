/** Input for filters: users in the audience must have certain values, or numbers within bounds. */
import { useRef } from 'preact/hooks';
import { type Api, call } from '../../api/client.ts';
import { useConsole } from '../../console.ts';
import { Button } from '../../ui/button.tsx';
import { Select, TextField } from '../../ui/field.tsx';
import { featureTitle } from '../../ui/words.ts';
import { KINDS } from '../feature-kinds.ts';
import type { NewAudience } from './model.ts';
import { pointerOf } from './pointer.ts';
import { type FoundValues, ValuePicker } from './value-picker.tsx';
import type { FilterValue } from './values.ts';

interface FiltersProps {
  readonly audience: NewAudience;
  readonly faultAt: (pointer: string) => string | undefined;
}

export function Filters({ audience, faultAt }: FiltersProps) {
  const { population, values, change } = audience;
  const added = useRef<string | null>(null);
  const { filters } = values.value;
  const offered = population.features.filter(({ name, kind }) => KINDS[kind].filter && filters[name] === undefined);
  const set = (name: string, filter: FilterValue) => change({ filters: { ...filters, [name]: filter } });
  return (
    <section class="part" aria-labelledby="filters-title">
      <h2 id="filters-title">Eligible people</h2>
      <p class="muted">
        Everyone in your population, unless you add filters. Your customers need not match the filters.
      </p>
      {Object.entries(filters).map(([name, filter]) => (
        <div key={name} class="filter">
          <One
            {...{ audience, name, filter, error: faultAt(pointerOf('filters', name)) }}
            isNew={added.current === name}
            onChange={(changed) => set(name, changed)}
          />
          <Button
            aria-label={`Remove the filter ${featureTitle(name)}`}
            onClick={() => {
              const { [name]: _removed, ...rest } = filters;
              change({ filters: rest });
            }}
          >
            Remove
          </Button>
        </div>
      ))}
      {offered.length > 0 ? (
        <div class="add-filter">
          <Select
            label="Add a filter"
            value=""
            onValue={(name) => {
              const feature = offered.find((each) => each.name === name);
              if (feature === undefined) return;
              added.current = name;
              const isRange = KINDS[feature.kind].filter === 'range';
              set(name, isRange ? { kind: 'range', min: '', max: '' } : { kind: 'tokens', tokens: [] });
            }}
            options={[
              { value: '', label: 'Choose a feature' },
              ...offered.map(({ name }) => ({ value: name, label: featureTitle(name) })),
            ]}
          />
        </div>
      ) : null}
    </section>
  );
}

interface OneProps {
  readonly audience: NewAudience;
  readonly name: string;
  readonly filter: FilterValue;
  readonly error: string | undefined;
  readonly isNew: boolean;
  readonly onChange: (filter: FilterValue) => void;
}

function One({ audience, name, filter, error, isNew, onChange }: OneProps) {
  const { api } = useConsole();
  if (filter.kind === 'tokens') {
    const known = audience.population.features.find((each) => each.name === name)?.known_values ?? 0;
    return (
      <ValuePicker
        {...{ label: featureTitle(name), isSingle: false, chosen: filter.tokens, known, error, isOpen: isNew }}
        onChange={(tokens) => onChange({ kind: 'tokens', tokens })}
        load={(search, limit, signal) => loadValues(api, name, search, limit, signal)}
      />
    );
  }
  const input = { inputMode: 'decimal', autocomplete: 'off' } as const;
  return (
    <div class="range">
      <TextField
        label={`${featureTitle(name)} at least`}
        value={filter.min}
        onValue={(min) => onChange({ ...filter, min })}
        {...{ input, error }}
      />
      <TextField
        label={`${featureTitle(name)} at most`}
        value={filter.max}
        onValue={(max) => onChange({ ...filter, max })}
        input={input}
      />
    </div>
  );
}

async function loadValues(
  api: Api,
  name: string,
  search: string,
  limit: number,
  signal: AbortSignal,
): Promise<FoundValues> {
  const params = { path: { name }, query: { limit, ...(search !== '' && { search }) } };
  const page = await call(api.GET('/v1/populations/current/features/{name}/values', { params, signal }));
  // values that no user has any more are left out, because they would match nobody
  const items = page.items.filter(({ users }) => users > 0).sort((a, b) => b.users - a.users);
  return { items, hasMore: page.next_cursor !== null };
}
