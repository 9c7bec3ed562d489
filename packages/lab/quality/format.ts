/** How tables of results are written. */
import { blendOf, type Share } from '../../../src/model/blend.ts';
import type { AdaptationSettings } from '../../../src/model/manifest.ts';
import type { Interval } from '../../../src/training/evaluation/bootstrap.ts';
import type { GroupName } from '../../../src/training/evaluation/summary.ts';

/** The share whose precision tables tell. */
export const SHARE = '0.05';
export const GROUPS: readonly GroupName[] = ['small', 'large', 'all'];

/** Those of the groups that `summary` has. */
export function groupsOf(summary: Readonly<Partial<Record<GroupName, unknown>>>): GroupName[] {
  return GROUPS.filter((group) => summary[group] !== undefined);
}

/** Aligned as a formatter would leave it; empty without rows. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const widths = heads.map((head, i) => Math.max(3, head.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`;
  return [line(heads), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

export function repeated(count: number): string {
  return count === 1 ? '1 repeat' : `${count} repeats`;
}

/** No zero before the point. */
export function short(value: number, digits: number): string {
  return value.toFixed(digits).replace(/^(-?)0\./, '$1.');
}

export function plain({ mean }: Interval, digits: number): string {
  return short(mean, digits);
}

/** Bold where the interval does not hold zero; of one campaign there is no interval. */
export function signed({ mean, low, high }: Interval, digits: number): string {
  const withSign = (x: number) => {
    const text = short(Math.abs(x), digits);
    const sign = Number(text) === 0 ? '' : x < 0 ? '-' : '+';
    return sign + text;
  };
  if (low === high) return withSign(mean);
  const text = `${withSign(mean)} [${withSign(low)}, ${withSign(high)}]`;
  return low > 0 || high < 0 ? `**${text}**` : text;
}

/** How heads are adapted, on one line; empty for a model without heads. */
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
      form.kind === 'companion'
        ? `companion ${weights(share)} (C ${named(form.strengths)})`
        : `regression ${weights(share)} (${form.strength}, f^-${form.power})`,
    ),
  ].join('; ');
}
