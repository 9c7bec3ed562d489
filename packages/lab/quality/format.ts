/** Formats tables of results. */
import { clearSign, type Interval, signedInterval, signed as withSign } from '../../../src/lib/interval.ts';
import { markdownTable } from '../../../src/lib/text/tables.ts';
import { blendOf, type Share } from '../../../src/model/blend.ts';
import type { AdaptationSettings } from '../../../src/model/manifest.ts';
import type { GroupName } from '../../../src/training/evaluation/summary.ts';

/** The audience share at which tables show precision. */
export const SHARE = '0.05';
export const GROUPS: readonly GroupName[] = ['small', 'large', 'all'];

/** Returns the groups in `summary`. */
export function groupsOf(summary: Readonly<Partial<Record<GroupName, unknown>>>): GroupName[] {
  return GROUPS.filter((group) => summary[group] !== undefined);
}

/** Returns a Markdown table; '' if there are no rows. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  return rows.length === 0 ? '' : markdownTable(heads, rows);
}

export function short(value: number, digits: number): string {
  return withoutZeros(value.toFixed(digits));
}

/** Removes the zero before a decimal point. */
function withoutZeros(text: string): string {
  return text.replaceAll(/\b0\./g, '.');
}

export function plain({ mean }: Interval, digits: number): string {
  return short(mean, digits);
}

/** Formats a difference, in bold if the interval does not contain zero. A single campaign has no interval. */
export function signed(interval: Interval, digits: number): string {
  if (interval.low === interval.high) return withoutZeros(withSign(interval.mean, digits));
  const text = withoutZeros(signedInterval(interval, digits));
  return clearSign(interval) === 0 ? text : `**${text}**`;
}

/** Formats a share as a percentage, for example `95 %`; `-` if nothing was measured. */
export function percent(share: number | undefined): string {
  return share === undefined || Number.isNaN(share) ? '-' : `${Math.round(100 * share)} %`;
}

/** Describes the adaptation of the heads on one line; empty for a model without heads. */
export function describeAdaptation(adaptation: AdaptationSettings): string {
  if (adaptation.optimiser !== 'gradient_descent') return '';
  const { rates, steps, first_pass } = adaptation;
  const named = (values: Readonly<Record<string, number>>) =>
    Object.entries(values)
      .map(([name, value]) => `${name.split('.').at(-1)} ${value}`)
      .join(', ');
  const { heads, parts } = blendOf(adaptation);
  const weights = ({ few, many }: Share) => (few === many ? short(few, 2) : `${short(few, 2)}-${short(many, 2)}`);
  return [
    `rates ${named(rates)}`,
    `${steps.at_50_seeds} steps at 50 seeds, ~ seeds^${steps.exponent}`,
    first_pass ? `cut ${first_pass.cut}` : 'no cut',
    `heads ${weights(heads)}`,
    ...parts.map(({ form, share }) =>
      form.kind === 'logistic'
        ? `logistic ${weights(share)} (C ${named(form.strengths)})`
        : `regression ${weights(share)} (${form.strength}, f^-${form.power})`,
    ),
  ].join('; ');
}
