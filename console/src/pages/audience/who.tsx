/** Who the audience is: what its people have more and less often than everyone. */
import { useState } from 'preact/hooks';
import { call } from '../../api/client.ts';
import type { Campaign, Explanation } from '../../api/types.ts';
import { usePolled } from '../../api/use-polled.ts';
import { useConsole } from '../../console.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { formatCount, formatFactor, formatShare } from '../../ui/format.ts';
import { Empty, Failed, Loading } from '../../ui/states.tsx';

/** Of each feature; the service orders them by their evidence. */
const TOKENS = 50;
const FIRST_SHOWN = 8;
/** A bar is full at this many doublings. */
const MOST_DOUBLINGS = 3;

type Feature = Explanation['features'][number];
type Token = Feature['tokens'][number];

export function Who({ campaign: { id, audience_version: version } }: { readonly campaign: Campaign }) {
  const { api } = useConsole();
  const params = { path: { id }, query: { limit: TOKENS } };
  const { data, error, refresh } = usePolled(
    (signal) => call(api.GET('/v1/campaigns/{id}/explanation', { params, signal })),
    { key: `${id} ${version}`, everyMs: () => null },
  );
  if (data === undefined) return error === undefined ? <Loading /> : <Failed error={error} onRetry={refresh} />;
  if (data.features.length === 0)
    return <Empty title="Nothing is known about these people">The population has no features to compare.</Empty>;
  return (
    <>
      <p class="muted who-lead">
        {formatCount(data.audience.count)} people of the audience beside all {formatCount(data.population.count)}. A bar
        to the right: more often than among everyone; to the left: less often.
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
  const shown = isAll ? tokens : tokens.slice(0, FIRST_SHOWN);
  return (
    <section class="panel feature" aria-label={name}>
      <h2>
        {words(name)} {sensitive ? <Badge tone="warn">Sensitive</Badge> : null}
      </h2>
      {numbers?.audience_mean != null && numbers.population_mean != null ? (
        <p class="muted small">
          {formatNumber(numbers.audience_mean)} on average, {formatNumber(numbers.population_mean)} among everyone
        </p>
      ) : null}
      {disparity?.warning ? (
        <p class="small">
          <Badge tone="warn">Uneven</Badge> “{disparity.lowest?.token}” is chosen {formatShare(disparity.ratio ?? 0)} as
          often as “{disparity.highest?.token}”.
        </p>
      ) : null}
      <ul class="tokens">
        {shown.map((token) => (
          <TokenRow key={String(token.token)} token={token} />
        ))}
      </ul>
      {tokens.length > FIRST_SHOWN ? (
        <Button onClick={() => setAll(!isAll)}>{isAll ? 'Show fewer' : `Show all ${tokens.length}`}</Button>
      ) : null}
    </section>
  );
}

function TokenRow({ token: { token, audience, population, lift } }: { readonly token: Token }) {
  const doublings = Math.log2(Math.max(lift.estimate, 2 ** -MOST_DOUBLINGS));
  const width = (Math.min(MOST_DOUBLINGS, Math.abs(doublings)) / MOST_DOUBLINGS) * 50;
  const side = doublings < 0 ? 'less' : 'more';
  return (
    <li class="token">
      <span class="token-name">{token === null ? 'not known' : words(token)}</span>
      <span class="token-bar" aria-hidden="true">
        <span class={side} style={{ width: `${width}%` }} />
      </span>
      <span class="token-lift">{formatFactor(lift.estimate)}</span>
      <span class="muted small token-counts">
        {formatCount(audience.count)} people, {formatShare(audience.share)}; {formatShare(population.share)} of everyone
      </span>
    </li>
  );
}

function formatNumber(value: number): string {
  return new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3 }).format(value);
}

/** `home_decor` as people write it. */
function words(name: string): string {
  return name.replaceAll('_', ' ');
}
