/** Formats the accuracy of predictions as a paragraph and as a table row. */
import { PREDICTED_SHARES } from '../../../src/online/quality/prediction.ts';
import { percent, SHARE, short } from '../quality/format.ts';
import type { PredictionReport, VerdictCounts } from './agreement.ts';

/** Describes the accuracy of the predictions in a paragraph. */
export function describePredictions({ groups, drift, random_seeds }: PredictionReport): string[] {
  const { campaigns, predicted, recall, verdicts, weak } = groups.all!;
  const [at5, at20] = [recall[SHARE], recall['0.2']];
  const counts = ({ good, unsure, weak: bad }: VerdictCounts) => `${good} good, ${unsure} unsure, ${bad} weak`;
  return [
    at5 && at20
      ? `Predictions from the seeds alone: the 90 % interval contains recall@5% for ${percent(at5.coverage)} of ` +
        `${predicted} campaigns, and recall@20% for ${percent(at20.coverage)}. True recall@5% is ${at5.mean_true.toFixed(3)}, ` +
        `predicted recall@5% is ${at5.mean_predicted.toFixed(3)}; the mean absolute error is ` +
        `${at5.mean_absolute_error.toFixed(3)}, and the mean width of the interval is ${at5.mean_width.toFixed(3)}.`
      : `Predictions from the seeds alone: none of the ${campaigns} campaigns has enough seeds.`,
    driftText(drift),
    `Verdicts: ${counts(verdicts)}. Campaigns with a true AUC below ${weak.auc}: ${weak.truly}, of which ` +
      `${weak.called} got the verdict 'weak'. Verdicts for ${random_seeds.sets} sets of random users as seeds: ` +
      `${counts(random_seeds.verdicts)}.`,
  ];
}

function driftText({ measured, campaigns }: PredictionReport['drift']): string {
  return measured
    ? `Predictions include the drift that training measured on ${campaigns} past campaigns.`
    : 'Predictions assume that later members resemble the seeds.';
}

export const COVERAGE_HEADS = [
  ...[
    'data set (test campaigns)',
    'drift',
    'contains recall@5%',
    'mean width',
    'predicted / true',
    'contains recall@20%',
  ],
  ...['all sizes', 'contains AUC', 'mean width', 'good / unsure / weak', 'random sets with verdict good'],
];

/** Returns a row of the coverage table. `report` contains `repeats` measurements of each campaign. */
export function coverageRow(dataSet: string, report: PredictionReport, repeats: number): string[] {
  const { campaigns, recall, auc, verdicts } = report.groups.all!;
  const [at5, at20] = [recall[SHARE], recall['0.2']];
  const { sets, verdicts: random } = report.random_seeds;
  const sizes = PREDICTED_SHARES.map((share) => recall[String(share)]?.coverage ?? Number.NaN);
  const number = (value: number | undefined) => (value === undefined ? '-' : short(value, 3));
  return [
    `${dataSet} (${campaigns / repeats})`,
    report.drift.measured ? `measured on ${report.drift.campaigns}` : 'assumed none',
    percent(at5?.coverage),
    number(at5?.mean_width),
    `${number(at5?.mean_predicted)} / ${number(at5?.mean_true)}`,
    percent(at20?.coverage),
    `${percent(Math.min(...sizes))} - ${percent(Math.max(...sizes))}`,
    percent(auc?.coverage),
    number(auc?.mean_width),
    `${verdicts.good} / ${verdicts.unsure} / ${verdicts.weak}`,
    `${random.good} of ${sets}`,
  ];
}
