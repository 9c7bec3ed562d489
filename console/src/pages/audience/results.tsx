/** Compares the results so far with the predicted results of an audience of this size. */
import { call } from '../../api/client.ts';
import type { Campaign } from '../../api/types.ts';
import { usePolled } from '../../api/use-polled.ts';
import { useConsole } from '../../console.ts';
import { hrefOf } from '../../router.ts';
import { Badge, type Tone } from '../../ui/badge.tsx';
import { ButtonLink } from '../../ui/button.tsx';
import { formatCount, formatFactor, formatShare } from '../../ui/format.ts';
import { Failed, Loading } from '../../ui/states.tsx';
import { Table } from '../../ui/table.tsx';
import { loadQuality } from './load.ts';
import { type Interval, reachAt } from './reach.ts';

const EVERY_MS = 10_000;
/** Minimum number of responses for judging the prediction. */
const ENOUGH = 10;

export function Results({ campaign: { id, audience_version: version } }: { readonly campaign: Campaign }) {
  const { api, session } = useConsole();
  const { data, error, refresh } = usePolled(
    async (signal) => {
      const params = { path: { id } };
      const [outcome, quality] = await Promise.all([
        call(api.GET('/v1/campaigns/{id}/feedback', { params, signal })),
        loadQuality(api, id, signal),
      ]);
      return { ...outcome, quality };
    },
    { key: `${id} ${version}`, everyMs: EVERY_MS },
  );
  if (data === undefined)
    return error === undefined ? <Loading lines={3} /> : <Failed error={error} onRetry={refresh} />;
  const { users, responders, quality } = data;
  const isNothing = users.conversion + users.click + users.dismissal === 0;
  const expected = quality.curve.length > 0 ? reachAt(quality.curve, quality.candidates, quality.size) : null;
  return (
    <section class="panel" aria-label="Results">
      <h2>Results</h2>
      {session.may('write') ? (
        <div class="panel-action">
          <ButtonLink href={hrefOf(['audiences', id, 'report'])}>Report results</ButtonLink>
        </div>
      ) : null}
      {isNothing ? (
        <p class="muted">No results yet. Conversions, clicks and dismissals appear here once they are reported.</p>
      ) : (
        <>
          <dl class="expected">
            <Count title="Conversions" count={users.conversion} />
            <Count title="Clicks" count={users.click} />
            <Count title="Dismissals" count={users.dismissal} />
          </dl>
          {responders.ranked === 0 ? (
            <p class="muted">Everyone who responded is already a customer or is not in the population.</p>
          ) : (
            <Comparison
              {...responders}
              responded={users.conversion + users.click}
              recall={expected?.recall ?? null}
              share={quality.candidates === 0 ? null : quality.size / quality.candidates}
            />
          )}
        </>
      )}
    </section>
  );
}

function Count({ title, count }: { readonly title: string; readonly count: number }) {
  return (
    <div>
      <dt>{title}</dt>
      <dd>{formatCount(count)}</dd>
    </div>
  );
}

interface ComparisonProps {
  /** Number of people who responded and could have been chosen. */
  readonly ranked: number;
  readonly members: number;
  /**
   * Number of people who responded and whom the service compared. If many people responded, the service compares only
   * some.
   */
  readonly compared: number;
  readonly responded: number;
  readonly recall: Interval | null;
  readonly share: number | null;
}

/** Table of observed and expected people, shares and lift. */
function Comparison({ ranked, members, compared, responded, recall, share }: ComparisonProps) {
  const row = (title: string, { mean, low, high }: Interval) => {
    const span = (format: (value: number) => string) =>
      low === high ? format(mean) : `${format(mean)} (${format(low)} to ${format(high)})`;
    return {
      title,
      people: span((value) => formatPeople(value * ranked)),
      share: span(formatShare),
      lift: share === null ? null : span((value) => formatFactor(value / share)),
    };
  };
  const seen = members / ranked;
  const rows = [
    row('So far', { mean: seen, low: seen, high: seen }),
    ...(recall === null ? [] : [row('Expected', recall)]),
  ];
  return (
    <div class="comparison">
      <p>
        Of the {formatCount(ranked)} new people who responded, {formatCount(members)} were in the audience.{' '}
        {recall === null ? null : <Verdict ranked={ranked} seen={seen} recall={recall} />}
      </p>
      <Table
        caption="Results compared with the forecast"
        rows={rows}
        rowKey={({ title }) => title}
        columns={[
          { key: 'title', title: 'Responses in the audience', cell: ({ title }) => title },
          { key: 'people', title: 'People', isNumber: true, cell: ({ people }) => people },
          { key: 'share', title: 'Share', isNumber: true, cell: (each) => each.share },
          { key: 'lift', title: 'Compared with random', isNumber: true, cell: ({ lift }) => lift ?? '–' },
        ]}
      />
      <p class="muted small">
        People who never saw the campaign are unlikely to respond. If only the audience saw it, the audience's share of
        responses is high for that reason alone.
      </p>
      {compared < responded ? (
        <p class="muted small">
          Of the {formatCount(responded)} people who responded, only the first {formatCount(compared)} in the order of
          their IDs are compared.
        </p>
      ) : null}
    </div>
  );
}

/** Formats an expected number of people. Small numbers have one decimal. */
function formatPeople(people: number): string {
  return formatCount(people < FEW ? Math.round(10 * people) / 10 : Math.round(people));
}

const FEW = 10;

function Verdict({
  ranked,
  seen,
  recall,
}: {
  readonly ranked: number;
  readonly seen: number;
  readonly recall: Interval;
}) {
  const { text, tone } = verdictOf(ranked, seen, recall);
  return <Badge tone={tone}>{text}</Badge>;
}

/** Whether the observed share is outside the interval by more than chance explains for this number of people (90 %). */
function verdictOf(
  ranked: number,
  seen: number,
  { mean, low, high }: Interval,
): { readonly text: string; readonly tone: Tone } {
  if (ranked < ENOUGH) return { text: 'Too few to tell', tone: 'neutral' };
  const chance = NINE_IN_TEN * Math.sqrt((mean * (1 - mean)) / ranked);
  if (seen < low - chance) return { text: 'Fewer than expected', tone: 'warn' };
  return seen > high + chance ? { text: 'More than expected', tone: 'good' } : { text: 'As expected', tone: 'good' };
}

/** Number of standard deviations to either side of the mean. */
const NINE_IN_TEN = 1.645;
