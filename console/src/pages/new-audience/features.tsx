/** Input for the campaign's features that the model reads. */
import { type Api, call } from '../../api/client.ts';
import { useConsole } from '../../console.ts';
import { TextField } from '../../ui/field.tsx';
import { featureTitle } from '../../ui/words.ts';
import { KINDS } from '../feature-kinds.ts';
import type { NewAudience } from './model.ts';
import { pointerOf } from './pointer.ts';
import { type FoundValues, ValuePicker } from './value-picker.tsx';

interface FeaturesProps {
  readonly audience: NewAudience;
  readonly faultAt: (pointer: string) => string | undefined;
}

export function Features({ audience, faultAt }: FeaturesProps) {
  const { api } = useConsole();
  const { model, values, change } = audience;
  if (model.features.length === 0) return null;
  const set = (name: string, given: readonly string[]) =>
    change({ features: { ...values.value.features, [name]: given } });
  return (
    <section class="part" aria-labelledby="features-title">
      <h2 id="features-title">Campaign details</h2>
      <p class="muted">Optional. Details help the model tell similar campaigns apart.</p>
      <div class="pickers">
        {model.features.map(({ name, kind, known_values: known }) => {
          const chosen = values.value.features[name] ?? [];
          const error = faultAt(pointerOf('features', name));
          const { input } = KINDS[kind];
          if (typeof input === 'string')
            return (
              <ValuePicker
                key={name}
                {...{ label: featureTitle(name), isSingle: input === 'token', chosen, known, error }}
                onChange={(given) => set(name, given)}
                load={(search, limit, signal) => loadValues(api, name, search, limit, signal)}
              />
            );
          return (
            <TextField
              key={name}
              label={featureTitle(name)}
              value={chosen[0] ?? ''}
              onValue={(text) => set(name, [text])}
              {...(input.hint !== undefined && { hint: input.hint })}
              error={error}
              input={{ inputMode: input.inputMode, autocomplete: 'off' }}
            />
          );
        })}
      </div>
    </section>
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
  const page = await call(api.GET('/v1/models/current/features/{name}/values', { params, signal }));
  return { items: page.items.map((value) => ({ value })), hasMore: page.next_cursor !== null };
}
