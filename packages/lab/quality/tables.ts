/**
 * Formats the results of the quality benchmark as named Markdown tables. The tables contain no paths to data sets or
 * models.
 */
import { counted } from '../../../src/lib/text/counted.ts';
import type { EvaluationReport } from '../../../src/training/evaluation/evaluate.ts';
import { MAIN_METHOD } from '../../../src/training/evaluation/methods.ts';
import type { GroupName } from '../../../src/training/evaluation/summary.ts';
import type { PredictionReport } from '../predictions/agreement.ts';
import type { Training } from './bench-run.ts';
import { bestBaselineTable } from './best-baseline.ts';
import { describeAdaptation, GROUPS, groupsOf, percent, plain, SHARE, short, signed, table } from './format.ts';
import { overSetsTable } from './over-sets.ts';

/** The result of one data set. */
export interface MainResult {
  readonly users: number;
  readonly trainCampaigns: number;
  readonly pastCampaigns: boolean;
  readonly report: EvaluationReport;
  readonly prediction: PredictionReport;
  readonly training: Training;
  /** Facts about training with the published recipe; null if that model was not requested. */
  readonly published: Training | null;
}

export interface DataSetResult extends MainResult {
  readonly name: string;
}

/** Returns the tables by name, in the order of a report. Empty tables are left out. */
export function renderTables(results: readonly DataSetResult[]): ReadonlyMap<string, string> {
  const tables: [string, string][] = [
    ['data sets', dataSetTable(results)],
    ['over all data sets', overSetsTable(results)],
    ['best baseline', bestBaselineTable(results)],
    ['quality', results.map(qualityTable).join('\n\n')],
    ['differences', results.map(differenceTable).join('\n\n')],
    ['predictions', predictionTable(results)],
    ['seconds', secondsTable(results)],
  ];
  return new Map(tables.filter(([, text]) => text !== ''));
}

function dataSetTable(results: readonly DataSetResult[]): string {
  const rows = results.map(({ name, users, trainCampaigns, pastCampaigns, report, training }) => {
    const counts = GROUPS.flatMap((group) => report.groups[group]?.campaigns ?? []);
    return [
      name,
      users.toLocaleString('en'),
      String(trainCampaigns),
      counts.length === 3 ? `${counts[2]} (${counts[0]} small, ${counts[1]} large)` : String(counts.at(-1)),
      pastCampaigns ? 'yes' : 'no',
      `${training.bestStep} of ${training.steps}, then ${training.finalSteps} on all`,
      describeAdaptation(training.adaptation),
    ];
  });
  return table(
    ['data set', 'users', 'train campaigns', 'test campaigns', 'past campaigns', 'best step', 'adaptation chosen'],
    rows,
  );
}

function qualityTable({ name, report }: DataSetResult): string {
  const groups = groupsOf(report.groups);
  const rows = Object.entries(report.methods).map(([method, summary]) => [
    method,
    ...groups.map((group) => plain(summary[group]!.auc, 4)),
    ...groups.map((group) => plain(summary[group]!.precision[SHARE]!, 3)),
  ]);
  const heads = ['method', ...measuresOf(groups)];
  return `**${name}**, mean of ${counted(report.repeats, 'repeat')}\n\n${table(heads, rows)}`;
}

function differenceTable({ name, report }: DataSetResult): string {
  const groups = groupsOf(report.groups);
  const rows = Object.entries(report.differences).map(([method, difference]) => [
    method,
    ...groups.map((group) => signed(difference[group]!.auc, 4)),
    ...groups.map((group) => signed(difference[group]!.precision[SHARE]!, 3)),
  ]);
  return `**${name}**\n\n${table([`${MAIN_METHOD} minus`, ...measuresOf(groups)], rows)}`;
}

function measuresOf(groups: readonly GroupName[]): string[] {
  return ['AUC', 'precision@5%'].flatMap((measure) => groups.map((group) => `${measure} ${group}`));
}

function predictionTable(results: readonly DataSetResult[]): string {
  const rows = results.flatMap(({ name, prediction }) =>
    Object.entries(prediction.groups).map(([group, summary]) => {
      const { recall, campaigns, predicted, weak, verdicts } = summary;
      const at5 = recall[SHARE];
      return [
        name,
        group,
        `${predicted} of ${campaigns}`,
        percent(at5?.coverage),
        percent(recall['0.2']?.coverage),
        at5 ? `${short(at5.mean_predicted, 3)} / ${short(at5.mean_true, 3)}` : '-',
        at5 ? short(at5.mean_absolute_error, 3) : '-',
        `${verdicts.good} / ${verdicts.unsure} / ${verdicts.weak}`,
        `${weak.truly} / ${weak.called}`,
      ];
    }),
  );
  return table(
    [
      'data set',
      'group',
      'predicted',
      'interval contains recall@5%',
      'recall@20%',
      'predicted / true recall@5%',
      'off by',
      'good / unsure / weak',
      'truly weak / verdict weak',
    ],
    rows,
  );
}

function secondsTable(results: readonly DataSetResult[]): string {
  const rows = results.map(({ name, training, published, report }) => [
    name,
    `default ${training.seconds.toFixed(0)}${published ? `, published ${published.seconds.toFixed(0)}` : ''}`,
    report.seconds_per_campaign.toFixed(2),
    Object.entries(report.seconds)
      .map(([method, seconds]) => `${method} ${seconds.toFixed(0)}`)
      .join(', '),
  ]);
  return table(['data set', 'training', 'adaptation and scoring, per campaign', 'evaluation, total'], rows);
}
