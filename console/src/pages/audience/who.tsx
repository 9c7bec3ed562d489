/** Explains the audience by values that its people have more or less often than everyone. */
import { useState } from 'preact/hooks';
import { call } from '../../api/client.ts';
import type { Campaign, Explanation } from '../../api/types.ts';
import { usePolled } from '../../api/use-polled.ts';
import { useConsole } from '../../console.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { formatCount, formatNumber, formatShare } from '../../ui/format.ts';
import { inOrder } from '../../ui/in-order.ts';
import { Empty, Failed, Loading } from '../../ui/states.tsx';
import { featureTitle } from '../../ui/words.ts';
import { type Token, TokenChart } from './token-chart.tsx';

/** Maximum number of values per feature; the service orders them by evidence. */
const TOKENS = 50;
const FIRST_SHOWN = 8;
/** Number of values up to which ordered values are all shown, because gaps would break the order. */
const FIRST_ORDERED = 14;

type Feature = Explanation['features'][number];

export function Who({ campaign: { id, audience_version: version } }: { readonly campaign: Campaign }) {
  const { api } = useConsole();
  const params = { path: { id }, query: { limit: TOKENS } };
  const { data, error, refresh } = usePolled(
    (signal) => call(api.GET('/v1/campaigns/{id}/explanation', { params, signal })),
    { key: `${id} ${version}`, everyMs: () => null },
  );
  if (data === undefined) return error === undefined ? <Loading /> : <Failed error={error} onRetry={refresh} />;
  if (data.features.length === 0) return <Empty title="Nothing to compare">The population has no features.</Empty>;
  return (
    <>
      <p class="muted who-lead">
        The {formatCount(data.audience.count)} people in the audience compared with all{' '}
        {formatCount(data.population.count)} people. Values with a bar to the right are more common in the audience;
        values with a bar to the left are less common.
      </p>
      <div class="features">
        {data.features.map((feature) => (
          <FeatureCard key={feature.feature} feature={feature} />
        ))}
      </div>
    </>
  );
}

function FeatureCard({ feature }: { readonly feature: Feature }) {
  const { feature: name, sensitive, numbers, tokens, disparity } = feature;
  const [isAll, setAll] = useState(false);
  const first = firstOf(tokens);
  const all = inOrder(tokens, tokenOf) ?? tokens;
  return (
    <section class="panel feature" aria-label={featureTitle(name)}>
      <h2>
        {featureTitle(name)} {sensitive ? <Badge tone="warn">Sensitive</Badge> : null}
      </h2>
      {numbers?.audience_mean != null && numbers.population_mean != null ? (
        <p class="muted small">
          Average: {formatNumber(numbers.audience_mean)} in the audience, {formatNumber(numbers.population_mean)} in the
          population
        </p>
      ) : null}
      {disparity?.warning ? (
        <p class="small">
          <Badge tone="warn">Uneven</Badge> “{disparity.lowest?.token}” is chosen {formatShare(disparity.ratio ?? 0)} as
          often as “{disparity.highest?.token}”.
        </p>
      ) : null}
      <TokenChart key={String(isAll)} label={featureTitle(name)} tokens={isAll ? all : first} />
      {tokens.length > first.length ? (
        <Button onClick={() => setAll(!isAll)}>
          {isAll ? 'Show fewer' : `Show all ${formatCount(tokens.length)}`}
        </Button>
      ) : null}
    </section>
  );
}

/** Returns the values with the strongest evidence, in their natural order if they have one. */
function firstOf(tokens: readonly Token[]): readonly Token[] {
  const ordered = inOrder(tokens, tokenOf);
  if (ordered === null) return tokens.slice(0, FIRST_SHOWN);
  if (ordered.length <= FIRST_ORDERED) return ordered;
  return inOrder(tokens.slice(0, FIRST_ORDERED), tokenOf) ?? tokens.slice(0, FIRST_SHOWN);
}

function tokenOf({ token }: Token): string | null {
  return token;
}
