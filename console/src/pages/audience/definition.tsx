/** The definition of the audience: customers, filters, fair selection, lists, details, size, refresh policy. */
import type { ComponentChildren } from 'preact';
import { type Api, call } from '../../api/client.ts';
import { ApiError } from '../../api/errors.ts';
import type { Campaign, UserSet } from '../../api/types.ts';
import { usePolled } from '../../api/use-polled.ts';
import { useConsole } from '../../console.ts';
import { consentText } from '../../lists/consent.ts';
import { describeMatch } from '../../lists/identifiers.ts';
import { Facts, Section } from '../../ui/facts.tsx';
import { counted, formatCount, formatExact, formatTime } from '../../ui/format.ts';
import { Failed, Loading } from '../../ui/states.tsx';
import { featureTitle, valueWords } from '../../ui/words.ts';
import { refreshWords } from '../audiences/words.ts';

interface Sets {
  readonly seeds: UserSet;
  readonly negatives: UserSet;
  readonly suppression: UserSet;
  /** The global list; null for a key that is limited to certain campaigns, because such a key cannot read the list. */
  readonly global: UserSet | null;
}

async function loadSets(api: Api, id: string, signal: AbortSignal): Promise<Sets> {
  const init = { params: { path: { id } }, signal };
  const [seeds, negatives, suppression, global] = await Promise.all([
    call(api.GET('/v1/campaigns/{id}/seeds', init)),
    call(api.GET('/v1/campaigns/{id}/negatives', init)),
    call(api.GET('/v1/campaigns/{id}/suppression', init)),
    call(api.GET('/v1/suppression', { signal })).catch((error: unknown) => {
      if (error instanceof ApiError && error.status === 403) return null;
      throw error;
    }),
  ]);
  return { seeds, negatives, suppression, global };
}

export function Definition({ campaign }: { readonly campaign: Campaign }) {
  const { api } = useConsole();
  const { id, needs_expansion: needsRebuild, updated_at: at, audience_version: version } = campaign;
  const { data, error, refresh } = usePolled((signal) => loadSets(api, id, signal), {
    key: `${id} ${at}`,
    everyMs: () => null,
    keepsLast: true,
  });
  if (data === undefined) return error === undefined ? <Loading /> : <Failed error={error} onRetry={refresh} />;
  return (
    <div class="stack">
      {needsRebuild && version !== null ? (
        <p class="notice" role="status">
          The definition has changed since the version in use was built. Rebuild the audience to apply it.
        </p>
      ) : null}
      <Customers seeds={data.seeds} />
      <Negatives negatives={data.negatives} weight={campaign.negative_weight} />
      <Section title="Eligible people">
        <Named
          record={campaign.filters}
          words={filterWords}
          none="Everyone in the population, because there are no filters."
        />
      </Section>
      <Special campaign={campaign} />
      <Suppression {...data} />
      <Section title="Campaign details">
        <Named record={campaign.features} words={featureValue} none="None." />
      </Section>
      <Section title="Size and refresh">
        <Named
          record={{
            'Requested size': sizeWords(campaign.audience),
            'Current size': campaign.size === null ? 'Not built yet' : `${formatCount(campaign.size)} people`,
            'Held out': campaign.holdout_percent === 0 ? 'Nobody' : `${formatExact(campaign.holdout_percent)}%`,
            'Rebuilt automatically': refreshWords(campaign.refresh),
          }}
          words={(text) => text}
          none=""
        />
      </Section>
    </div>
  );
}

function Customers({ seeds }: Pick<Sets, 'seeds'>) {
  const { received, known, unknown, outside, duplicate, suppressed, contradicting, weights } = seeds;
  const { identifiers = [], updated_at: at } = seeds;
  return (
    <Section title="Your customers" lead={at === null ? null : `Uploaded ${formatTime(at)}.`}>
      {received === 0 ? (
        <p class="muted">No customers yet.</p>
      ) : (
        <Facts
          facts={[
            { name: 'IDs given', value: formatCount(received) },
            { name: 'In the population', value: formatCount(known) },
            { name: 'Unknown', value: formatCount(unknown) },
            ...(outside
              ? [{ name: 'Outside the population', value: formatCount(outside), note: 'used by their features' }]
              : []),
            ...identifiers.map(describeMatch),
            { name: 'Duplicates', value: formatCount(duplicate) },
            ...(suppressed
              ? [{ name: 'Suppressed', value: formatCount(suppressed), note: 'not used as customers' }]
              : []),
            ...(contradicting
              ? [{ name: 'Also negatives', value: formatCount(contradicting), note: 'not used as customers' }]
              : []),
            ...(weights ? [{ name: 'Weights', value: weightWords(weights), note: distinctWords(weights) }] : []),
            ...basisFacts(seeds),
          ]}
        />
      )}
    </Section>
  );
}

/** The legal basis of a list; nothing if none is stated. */
function basisFacts({ consent_basis: basis }: UserSet) {
  return basis === null ? [] : [{ name: 'Legal basis', value: consentText(basis) }];
}

function weightWords({ min, median, max }: NonNullable<UserSet['weights']>): string {
  return `${formatExact(min)} to ${formatExact(max)}, median ${formatExact(median)}`;
}

function distinctWords({ distinct }: NonNullable<UserSet['weights']>): string {
  return `${counted(distinct, 'distinct weight')}; only their ratios matter`;
}

function Negatives({ negatives, weight }: Pick<Sets, 'negatives'> & { readonly weight: number }) {
  const { users, known, suppressed = 0, contradicting = 0, identifiers = [] } = negatives;
  if (users === 0 && weight === 1) return null;
  return (
    <Section title="Negatives" lead="People who are known not to like what is advertised. The model learns from them.">
      <Facts
        facts={[
          { name: 'People', value: formatCount(users), note: `${formatCount(known)} in the population` },
          ...identifiers.map(describeMatch),
          ...basisFacts(negatives),
          { name: 'Also customers', value: formatCount(contradicting), note: 'count as negatives' },
          ...(suppressed > 0 ? [{ name: 'Suppressed', value: formatCount(suppressed), note: 'not used' }] : []),
          { name: 'Weight of each', value: formatExact(weight), note: 'compared with a random person' },
        ]}
      />
    </Section>
  );
}

function Suppression({ suppression, global }: Pick<Sets, 'suppression' | 'global'>) {
  const noteOf = ({ known, expiring, consent_basis: basis }: UserSet) =>
    [
      `${formatCount(known)} in the population`,
      ...(expiring?.users ? [`${formatCount(expiring.users)} will expire`] : []),
      ...(basis === null ? [] : [`legal basis: ${consentText(basis)}`]),
    ].join('; ');
  return (
    <Section title="Suppression lists" lead="People on either list are never in the audience.">
      <Facts
        facts={[
          { name: 'This audience’s list', value: formatCount(suppression.users), note: noteOf(suppression) },
          ...(suppression.identifiers ?? []).map(describeMatch),
          global === null
            ? { name: 'Global list', value: '–', note: 'not visible to your key' }
            : { name: 'Global list', value: formatCount(global.users), note: noteOf(global) },
        ]}
      />
    </Section>
  );
}

function Special({ campaign: { category, four_fifths: fourFifths } }: { readonly campaign: Campaign }) {
  if (category === null && fourFifths === null) return null;
  return (
    <Section title="Fair selection">
      <Facts
        facts={[
          { name: 'Special category', value: category === null ? 'None' : featureTitle(category) },
          { name: 'Four-fifths rule', value: fourFifths === null ? 'None' : featureTitle(fourFifths) },
        ]}
      />
    </Section>
  );
}

interface NamedProps<T> {
  readonly record: Readonly<Record<string, T>>;
  readonly words: (value: T) => ComponentChildren;
  readonly none: string;
}

/** Shows one line per feature. */
function Named<T>({ record, words, none }: NamedProps<T>) {
  const entries = Object.entries(record);
  if (entries.length === 0) return <p class="muted">{none}</p>;
  return (
    <dl class="named">
      {entries.map(([name, value]) => (
        <div key={name}>
          <dt>{featureTitle(name)}</dt>
          <dd>{words(value)}</dd>
        </div>
      ))}
    </dl>
  );
}

function filterWords(filter: Campaign['filters'][string]): string {
  if (Array.isArray(filter)) return filter.map(valueWords).join(', ');
  const { min, max } = filter as { readonly min?: number; readonly max?: number };
  if (min === undefined) return `at most ${formatExact(max ?? 0)}`;
  return max === undefined ? `at least ${formatExact(min)}` : `${formatExact(min)} to ${formatExact(max)}`;
}

function featureValue(value: Campaign['features'][string]): string {
  if (typeof value === 'number') return formatExact(value);
  if (typeof value === 'string') return valueWords(value);
  return value.map((each) => (typeof each === 'number' ? formatExact(each) : valueWords(each))).join(', ');
}

function sizeWords(audience: Campaign['audience']): string {
  return 'size' in audience
    ? `${formatCount(audience.size)} people`
    : `${formatExact(audience.percent)}% of the population`;
}
