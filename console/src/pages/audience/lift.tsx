/** Shows the effect of a campaign: compares people who were reached with people who were held out. */
import { call } from '../../api/client.ts';
import type { Campaign, LiftEffect, LiftReport } from '../../api/types.ts';
import { usePolled } from '../../api/use-polled.ts';
import { useConsole } from '../../console.ts';
import { formatCount, formatFactor, formatShare, formatTime } from '../../ui/format.ts';
import { Failed, Loading } from '../../ui/states.tsx';
import { type Column, Table } from '../../ui/table.tsx';

/** The service reads the whole audience for each answer. */
const EVERY_MS = 60_000;

/** Renders nothing if nobody in the audience is held out. */
export function Lift({ campaign }: { readonly campaign: Campaign }) {
  return campaign.holdout_percent === 0 ? null : <Panel campaign={campaign} />;
}

function Panel({ campaign: { id, audience_version: version } }: { readonly campaign: Campaign }) {
  const { api } = useConsole();
  const { data, error, refresh } = usePolled(
    (signal) => call(api.GET('/v1/campaigns/{id}/lift', { params: { path: { id } }, signal })),
    { key: `${id} ${version}`, everyMs: EVERY_MS },
  );
  if (data === undefined)
    return error === undefined ? <Loading lines={3} /> : <Failed error={error} onRetry={refresh} />;
  const { arms, conversion, value, window, warnings, predicted_lift: predicted, holdout_percent: percent } = data;
  const hasValue = arms.treated.value !== 0 || arms.held_out.value !== 0;
  return (
    <section class="panel" aria-label="Effect of the campaign">
      <h2>Effect of the campaign</h2>
      {warnings.map(({ code, message }) => (
        <p key={code} class="notice" role="status">
          {message}
        </p>
      ))}
      <Arms arms={arms} conversion={conversion} value={value} hasValue={hasValue} />
      {arms.treated.converted + arms.held_out.converted === 0 ? (
        <p class="muted">No conversions yet. They appear here once they are sent to the API.</p>
      ) : (
        <>
          <Effects caption="Effect, with 95% intervals" rows={conversionRows(conversion)} />
          {hasValue ? <Effects caption="Effect on value, with 95% intervals" rows={valueRows(value)} /> : null}
        </>
      )}
      <p class="muted small">
        By assignment, not exposure: everyone in the audience counts, whether or not they saw the campaign. {percent}%
        are held out. Conversions since {formatTime(window.from)}.
        {conversion.minimum_detectable === null
          ? null
          : ` Differences from ${formatPoints(conversion.minimum_detectable)} on would probably be found.`}
        {predicted === null
          ? null
          : ` The forecast of ${formatFactor(predicted.mean)} compares this audience with a random one.`}
      </p>
    </section>
  );
}

interface ArmsProps extends Pick<LiftReport, 'arms' | 'conversion' | 'value'> {
  /** Whether any conversion has a value. */
  readonly hasValue: boolean;
}

function Arms({ arms, conversion, value, hasValue }: ArmsProps) {
  const rows = [
    { title: 'Reached', ...arms.treated, share: conversion.treated, mean: value.treated },
    { title: 'Held out', ...arms.held_out, share: conversion.held_out, mean: value.held_out },
  ];
  const values: readonly Column<(typeof rows)[number]>[] = [
    { key: 'value', title: 'Value', isNumber: true, cell: (row) => formatValue(row.value) },
    { key: 'mean', title: 'Value per person', isNumber: true, cell: ({ mean }) => formatValue(mean) },
  ];
  return (
    <Table
      caption="People who were reached and held out"
      rows={rows}
      rowKey={({ title }) => title}
      columns={[
        { key: 'title', title: 'Group', cell: ({ title }) => title },
        { key: 'users', title: 'People', isNumber: true, cell: ({ users }) => formatCount(users) },
        { key: 'converted', title: 'Converted', isNumber: true, cell: ({ converted }) => formatCount(converted) },
        { key: 'share', title: 'Share', isNumber: true, cell: ({ share }) => formatShare(share) },
        ...(hasValue ? values : []),
      ]}
    />
  );
}

type Estimate = LiftEffect['absolute'];

type Row = ReturnType<typeof rowOf>;

function rowOf(title: string, { estimate, fixed, always_valid: always }: Estimate, format: Format) {
  return {
    title,
    estimate: format(estimate),
    fixed: formatRange(fixed, format),
    always: formatRange(always, format),
  };
}

function conversionRows({ absolute, relative, incremental }: LiftEffect): readonly Row[] {
  return [
    rowOf('Difference', absolute, formatPoints),
    ...relativeRow(relative),
    rowOf('Additional people who converted', incremental, (people) => formatCount(Math.round(people))),
  ];
}

function valueRows({ absolute, relative, incremental }: LiftEffect): readonly Row[] {
  return [
    rowOf('Difference per person', absolute, formatValue),
    ...relativeRow(relative),
    rowOf('Additional value', incremental, formatValue),
  ];
}

function relativeRow(relative: LiftEffect['relative']): readonly Row[] {
  return relative === null ? [] : [rowOf('Relative to held out', relative, formatShare)];
}

function Effects({ caption, rows }: { readonly caption: string; readonly rows: readonly Row[] }) {
  return (
    <Table
      caption={caption}
      rows={rows}
      rowKey={({ title }) => title}
      columns={[
        { key: 'title', title: 'Effect', cell: ({ title }) => title },
        { key: 'estimate', title: 'Estimate', isNumber: true, cell: ({ estimate }) => estimate },
        { key: 'fixed', title: 'If read once', isNumber: true, cell: ({ fixed }) => fixed },
        { key: 'always', title: 'If read any time', isNumber: true, cell: ({ always }) => always },
      ]}
    />
  );
}

type Format = (value: number) => string;

function formatRange(range: Estimate['fixed'], format: Format): string {
  return range === null ? 'Not known yet' : `${format(range.low)} to ${format(range.high)}`;
}

/** Formats a difference of shares in percentage points: 1.2 pp. */
function formatPoints(difference: number): string {
  return `${POINTS.format(100 * difference)} pp`;
}

/** Formats a value. The service does not know its unit. */
function formatValue(value: number): string {
  return VALUES.format(value);
}

const VALUES = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 4 });
const POINTS = new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 });
