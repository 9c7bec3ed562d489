/**
 * Forecast beside the form: number of matched people, similarity of the customers, expected quality of the audience.
 */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { Estimate } from '../../api/types.ts';
import { useConsole } from '../../console.ts';
import type { Report } from '../../lists/send-ids.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { formatCount, formatFactor, formatShare } from '../../ui/format.ts';
import { messageOf } from '../../ui/message.ts';
import { saveFile } from '../../ui/save-file.ts';
import { driftWords, VERDICTS } from '../audiences/words.ts';
import type { NewAudience } from './model.ts';
import type { Estimated } from './use-estimate.ts';
import { peopleOf } from './values.ts';

interface ExpectationProps {
  readonly audience: NewAudience;
  readonly estimated: Estimated;
}

export function Expectation({ audience, estimated: { estimate, error, isLoading } }: ExpectationProps) {
  const state = audience.seeds.state.value;
  const report = state.kind === 'done' || state.kind === 'sending' ? state.report : null;
  return (
    <aside class="expectation" aria-labelledby="expectation-title" aria-busy={isLoading}>
      <h2 id="expectation-title">What to expect</h2>
      {report === null && estimate === null ? (
        <p class="muted">Add your customers to see how many are matched and how good the audience will be.</p>
      ) : (
        <>
          {report === null ? null : <Matched audience={audience} report={report} isDone={state.kind === 'done'} />}
          {estimate === null ? null : <Quality audience={audience} estimate={estimate} isLoading={isLoading} />}
        </>
      )}
      {state.kind === 'done' && audience.seeds.sample.value.length === 0 ? (
        <p class="muted small">
          {audience.seeds.format.value.label === null
            ? 'A forecast needs the list itself. Choose it again, or create the audience: the audience will have a ' +
              'forecast when it is ready.'
            : 'There is no forecast for plain identifiers. The audience will have one when it is ready.'}
        </p>
      ) : null}
      {error !== undefined && report !== null ? (
        <p class="muted small" role="status">
          No forecast available: {messageOf(error)}
        </p>
      ) : null}
    </aside>
  );
}

interface FactProps {
  readonly name: string;
  readonly children: ComponentChildren;
  /** A short line of explanation. */
  readonly note?: string | null | undefined;
}

function Fact({ name, note, children }: FactProps) {
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd>
        {children}
        {!note ? null : <span class="forecast-note">{note}</span>}
      </dd>
    </div>
  );
}

interface MatchedProps {
  readonly audience: NewAudience;
  readonly report: Report;
  readonly isDone: boolean;
}

function Matched({ audience, report, isDone }: MatchedProps) {
  const { page, toasts } = useConsole();
  const [isBusy, setIsBusy] = useState(false);
  const { known, unknown, outside } = report;
  const download = async () => {
    setIsBusy(true);
    try {
      saveFile(page, await audience.draft.unknownSeeds(), 'unknown-customers.txt');
    } catch (error) {
      toasts.say(messageOf(error), 'bad');
    }
    setIsBusy(false);
  };
  return (
    <dl class="forecast">
      <Fact name="Matched" note={`${formatShare(known / Math.max(1, known + unknown + outside))} of your customers`}>
        {formatCount(known)}
      </Fact>
      {outside === 0 ? null : (
        <Fact name="Outside the population" note="Used by their features, and never in the audience">
          {formatCount(outside)}
        </Fact>
      )}
      <Fact name="Unknown" note={unknown > 0 ? 'Not in the population, so not used' : undefined}>
        {formatCount(unknown)}
        {unknown > 0 && isDone ? (
          <Button isBusy={isBusy} onClick={() => void download()}>
            Download the {formatCount(unknown)} unknown IDs
          </Button>
        ) : null}
      </Fact>
    </dl>
  );
}

interface QualityProps {
  readonly audience: NewAudience;
  readonly estimate: Estimate;
  readonly isLoading: boolean;
}

function liftOf({ lift, share }: NonNullable<ReturnType<typeof nearestSize>>): string {
  return (
    `${formatFactor(lift.mean)} as many look-alikes as a random audience (${formatFactor(lift.low)} to ` +
    `${formatFactor(lift.high)}), for an audience of ${formatShare(share)} of the eligible people`
  );
}

function Quality({ audience, estimate, isLoading }: QualityProps) {
  const { cohesion, expected, reason, candidates, seeds } = estimate;
  const nearest = nearestSize(audience, estimate);
  return (
    <>
      <dl class="forecast">
        {seeds.suppressed ? (
          <Fact name="Suppressed" note="Customers who are also on a suppression list">
            {formatCount(seeds.suppressed)}
          </Fact>
        ) : null}
        {candidates === null ? null : (
          <Fact name="Eligible people" note="People who match the filters, not counting your customers">
            {formatCount(candidates)}
          </Fact>
        )}
        {cohesion === null ? null : (
          <Fact
            name="How alike your customers are"
            note={
              `A customer ranks above a random person in ${round(cohesion.mean)} of 100 cases ` +
              `(${round(cohesion.low)} to ${round(cohesion.high)}); chance is 50`
            }
          >
            {likeness(cohesion.mean)}
          </Fact>
        )}
        {expected === null ? null : (
          <Fact name="Expected quality" note={cohesion === null ? tooFew(estimate) : nearest && liftOf(nearest)}>
            <Badge tone={VERDICTS[expected.verdict].tone}>{VERDICTS[expected.verdict].text}</Badge>
          </Fact>
        )}
      </dl>
      <p class="muted small" role="status">
        {isLoading ? 'Working out the forecast …' : reason === null ? null : WHY[reason.code](estimate)}
        {!isLoading && expected !== null ? driftWords(expected.drift) : null}
      </p>
    </>
  );
}

function tooFew({ based_on: basis }: Estimate): string | null {
  if (basis === null) return null;
  const fitting = formatCount(basis.fitting_seeds);
  return `Only ${fitting} of your customers are in the population and match the filters: too few for a forecast`;
}

const WHY: Readonly<Record<NonNullable<Estimate['reason']>['code'], (estimate: Estimate) => string>> = {
  too_few_seeds: ({ minimum }) => `At least ${formatCount(minimum)} known customers are needed for a forecast.`,
  no_candidates: () => 'Nobody is eligible: the filters or the suppression lists exclude everyone.',
  loading: () => 'The forecast is being prepared.',
  busy: () => 'The service is busy. The forecast will follow.',
  too_slow: () => 'The forecast is taking too long. It will be shown when the audience is ready.',
  failed: () => 'The forecast failed. The audience will have a forecast when it is ready.',
};

/** Returns the forecast for the size closest to the requested size. */
function nearestSize({ values, population }: NewAudience, { expected, candidates }: Estimate) {
  const people = peopleOf(values.value, population.users);
  if (expected === null || people === null || !candidates) return null;
  const distance = (share: string) => Math.abs(Math.log((Number(share) * candidates) / people));
  const [share] = Object.keys(expected.lift).sort((a, b) => distance(a) - distance(b));
  const lift = share === undefined ? undefined : expected.lift[share];
  return share === undefined || lift === undefined ? null : { share: Number(share), lift };
}

function likeness(auc: number): string {
  if (auc >= 0.85) return 'Very much';
  if (auc >= 0.7) return 'Clearly';
  return auc >= 0.58 ? 'A little' : 'Hardly';
}

function round(share: number): number {
  return Math.round(100 * share);
}
