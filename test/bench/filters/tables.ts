/** The tables of the effect of filters. */
import { short, table } from '../../../packages/lab/quality/format.ts';
import { SEED_KINDS } from './campaigns.ts';
import type { Measured, RandomSet } from './measure.ts';

/** From this AUC on, a campaign is truly good: nearly all of these should be called good. */
const TRULY_GOOD = 0.75;
/** A bound and a true value may be the same fraction, rounded differently. */
const ROUNDING = 1e-9;

/** The AUC inside the filter, by rule for negatives; differences from the ranking of everyone, cut to the filter. */
export function describeRules(measured: readonly Measured[]): string {
  const rows = groupsOf(measured).map(([name, own]) => {
    const over = (rule: 'filtered' | 'matched') => own.map(({ auc }) => auc[rule] - auc.unfiltered);
    return [
      ...name,
      String(own.length),
      short(mean(own.map(({ auc }) => auc.unfiltered)), 3),
      difference(over('filtered')),
      difference(over('matched')),
    ];
  });
  return table(['filter', 'seeds', 'campaigns', 'unfiltered', 'filtered', 'matched'], rows);
}

/** How accurate the reports are. */
export function describePredictions(measured: readonly Measured[]): string {
  const rows = groupsOf(measured).map(([name, own]) => {
    const checked = own.filter(({ checks }) => checks !== null);
    const good = checked.filter(({ checks }) => checks!['auc']!.truth >= TRULY_GOOD);
    const called = good.filter(({ verdict }) => verdict === 'good').length;
    const of = (metric: string) => checked.map(({ checks }) => checks![metric]!);
    const held = ['auc', 'recall 0.05', 'recall 0.2'].map((metric) => percent(holding(of(metric)), checked.length));
    return [
      ...name,
      `${checked.length} of ${own.length}`,
      checked.length === 0 ? '-' : short(mean(own.map(({ fitting }) => fitting)), 0),
      checked.length === 0 ? '-' : short(mean(of('auc').map(({ predicted, truth }) => predicted - truth)), 3),
      ...held,
      `${called} of ${good.length}`,
    ];
  });
  const heads = ['predicted', 'fit', 'AUC: predicted - true', 'AUC', 'recall@5 %', 'recall@20 %', 'called good'];
  return table(['filter', 'seeds', ...heads], rows);
}

/** Reports on random users. */
export function describeRandom(sets: readonly RandomSet[]): string {
  const rows = byFilter(sets).map(([filter, own]) => {
    const known = own.flatMap(({ auc }) => (auc === null ? [] : [auc]));
    const count = (verdict: string) => String(own.filter((set) => set.verdict === verdict).length);
    const auc = known.length === 0 ? '-' : `${short(mean(known), 3)} +- ${short(errorOf(known), 3)}`;
    return [filter, String(own.length), String(known.length), auc, count('good'), count('unsure'), count('weak')];
  });
  return table(['filter', 'sets', 'predicted', 'mean AUC', 'good', 'unsure', 'weak'], rows);
}

function groupsOf(measured: readonly Measured[]): [readonly [string, string], readonly Measured[]][] {
  return byFilter(measured).flatMap(([filter, all]) =>
    SEED_KINDS.flatMap((kind): [readonly [string, string], readonly Measured[]][] => {
      const own = all.filter((one) => one.kind === kind);
      return own.length === 0 ? [] : [[[filter, kind], own]];
    }),
  );
}

/** By filter, then for all filters. */
function byFilter<T extends { readonly filter: string }>(all: readonly T[]): [string, readonly T[]][] {
  const names = [...new Set(all.map(({ filter }) => filter))];
  const parts = names.map((name): [string, readonly T[]] => [name, all.filter(({ filter }) => filter === name)]);
  return [...parts, ['all', all]];
}

function holding(checks: readonly { readonly low: number; readonly high: number; readonly truth: number }[]): number {
  return checks.filter(({ low, high, truth }) => truth >= low - ROUNDING && truth <= high + ROUNDING).length;
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '-' : `${((100 * part) / whole).toFixed(0)} %`;
}

/** Mean and standard error. */
function difference(values: readonly number[]): string {
  const own = mean(values);
  return `${own < 0 ? '-' : '+'}${short(Math.abs(own), 4)} +- ${short(errorOf(values), 4)}`;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function errorOf(values: readonly number[]): number {
  const own = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - own) ** 2, 0);
  return Math.sqrt(squares / Math.max(values.length - 1, 1) / values.length);
}
