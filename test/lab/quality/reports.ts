/** Evaluation reports made up for tests: two other methods, groups and intervals as given. */
import type { Interval } from '../../../src/lib/interval.ts';
import type { EvaluationReport } from '../../../src/training/evaluation/evaluate.ts';
import type { GroupName } from '../../../src/training/evaluation/summary.ts';

export const interval = (mean: number, low = mean - 0.01, high = mean + 0.01): Interval => ({ mean, low, high });

/** Mean AUC and precision of a method, and how far the model is ahead of it. */
export interface MadeUp {
  readonly auc: number;
  readonly precision: number;
  readonly ahead?: { readonly auc: Interval; readonly precision: Interval };
}

/** The same numbers in each of `groups`; `metaheac` is the model. */
export function reportOf(
  methods: Readonly<Record<string, MadeUp>>,
  groups: readonly GroupName[] = ['all'],
): EvaluationReport {
  const inGroups = <T>(value: T) => Object.fromEntries(groups.map((group) => [group, value]));
  const entries = Object.entries(methods);
  return {
    methods: Object.fromEntries(
      entries.map(([name, { auc, precision }]) => [
        name,
        inGroups({ campaigns: 3, auc: interval(auc), precision: { '0.05': interval(precision) } }),
      ]),
    ),
    differences: Object.fromEntries(
      entries.flatMap(([name, { ahead }]) =>
        ahead ? [[name, inGroups({ auc: ahead.auc, precision: { '0.05': ahead.precision } })]] : [],
      ),
    ),
  } as unknown as EvaluationReport;
}
