/**
 * Formats the results of the quality benchmark as named Markdown tables. The tables contain no paths to data sets or
 * models.
 */
import type { Interval } from '../../../src/lib/interval.ts';
import { counted } from '../../../src/lib/text/counted.ts';
import { MAIN_METHOD } from '../../../src/training/evaluation/methods.ts';
import { ABLATIONS } from './ablations.ts';
import { bestBaselineTable } from './best-baseline.ts';
import { describeAdaptation, GROUPS, groupsOf, percent, plain, SHARE, short, signed, table } from './format.ts';
import { overSetsTable } from './over-sets.ts';
import type { AblationResult, MainResult, WholeResult } from './parts.ts';

/** The results of one data set. A part that was not run is null or missing. */
export interface DataSetResults {
  readonly name: string;
  readonly main: MainResult | null;
  readonly reference: WholeResult | null;
  readonly ablations: ReadonlyMap<string, AblationResult>;
}

/** Returns the tables by name, in the order of a report. Empty tables are left out. */
export function renderTables(results: readonly DataSetResults[]): ReadonlyMap<string, string> {
  const perSet = (of: (result: DataSetResults) => string | null): string =>
    results
      .flatMap((result) => of(result) ?? [])
      .join('\n\n')
      .trim();
  const reports = results.flatMap(({ name, main }) => (main ? [{ name, report: main.report }] : []));
  const tables: [string, string][] = [
    ['data sets', dataSetTable(results)],
    ['over all data sets', overSetsTable(reports)],
    ['best baseline', bestBaselineTable(reports)],
    ['quality', perSet(qualityTable)],
    ['differences', perSet(differenceTable)],
    ['predictions', predictionTable(results)],
    ['ablations', ablationOverview(results, 'AUC')],
    ['ablations, precision', ablationOverview(results, 'precision@5%')],
    ['ablations by group', perSet(ablationTable)],
    ['seconds', secondsTable(results)],
  ];
  return new Map(tables.filter(([, text]) => text !== ''));
}

function dataSetTable(results: readonly DataSetResults[]): string {
  const rows = results.flatMap(({ name, main }) => {
    if (!main) return [];
    const { users, trainCampaigns, pastCampaigns, report, training } = main;
    const counts = GROUPS.flatMap((group) => report.groups[group]?.campaigns ?? []);
    const { adaptation } = training;
    return [
      [
        name,
        users.toLocaleString('en'),
        String(trainCampaigns),
        counts.length === 3 ? `${counts[2]} (${counts[0]} small, ${counts[1]} large)` : String(counts.at(-1)),
        pastCampaigns ? 'yes' : 'no',
        `${training.bestStep} of ${training.steps}, then ${training.finalSteps} on all`,
        describeAdaptation(adaptation),
      ],
    ];
  });
  return table(
    ['data set', 'users', 'train campaigns', 'test campaigns', 'past campaigns', 'best step', 'adaptation chosen'],
    rows,
  );
}

function qualityTable({ name, main }: DataSetResults): string | null {
  if (!main) return null;
  const { methods, repeats } = main.report;
  const groups = groupsOf(main.report.groups);
  const rows = Object.entries(methods).map(([method, summary]) => [
    method,
    ...groups.map((group) => plain(summary[group]!.auc, 4)),
    ...groups.map((group) => plain(summary[group]!.precision[SHARE]!, 3)),
  ]);
  return `**${name}**, mean of ${counted(repeats, 'repeat')}\n\n${table(
    ['method', ...groups.map((group) => `AUC ${group}`), ...groups.map((group) => `precision@5% ${group}`)],
    rows,
  )}`;
}

function differenceTable({ name, main }: DataSetResults): string | null {
  if (!main) return null;
  const groups = groupsOf(main.report.groups);
  const rows = Object.entries(main.report.differences).map(([method, difference]) => [
    method,
    ...groups.map((group) => signed(difference[group]!.auc, 4)),
    ...groups.map((group) => signed(difference[group]!.precision[SHARE]!, 3)),
  ]);
  return `**${name}**\n\n${table(
    [
      `${MAIN_METHOD} minus`,
      ...groups.map((group) => `AUC ${group}`),
      ...groups.map((group) => `precision@5% ${group}`),
    ],
    rows,
  )}`;
}

function predictionTable(results: readonly DataSetResults[]): string {
  const rows = results.flatMap(({ name, main }) =>
    Object.entries(main?.prediction.groups ?? {}).map(([group, summary]) => {
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

/** Returns a table over all test campaigns with a row for each ablation and a column for each data set. */
function ablationOverview(results: readonly DataSetResults[], what: 'AUC' | 'precision@5%'): string {
  const sets = results.filter(({ ablations }) => ablations.size > 0);
  const intervalOf = (result: AblationResult | undefined): Interval | null => {
    const all = result?.difference.all;
    return all ? (what === 'AUC' ? all.auc : all.precision[SHARE]!) : null;
  };
  const rows = ABLATIONS.flatMap(({ name, title }) => {
    const own = sets.map(({ ablations }) => intervalOf(ablations.get(name)));
    const known = own.filter((one) => one !== null);
    if (known.length === 0) return [];
    const missed = known.filter(({ high }) => high < 0).length;
    const harmful = known.filter(({ low }) => low > 0).length;
    const verdict = `${missed} of ${known.length}${harmful > 0 ? `, harms on ${harmful}` : ''}`;
    return [[title, ...own.map((one) => (one ? signed(one, what === 'AUC' ? 4 : 3) : '-')), verdict]];
  });
  return table(['without', ...sets.map(({ name }) => `${what}, ${name}`), 'helps clearly on'], rows);
}

function ablationTable({ name, reference, ablations }: DataSetResults): string | null {
  if (!reference || ablations.size === 0) return null;
  const groups = groupsOf(reference.summary);
  const heads = [
    'without',
    ...groups.map((group) => `AUC ${group}`),
    ...groups.map((group) => `precision@5% ${group}`),
  ];
  const whole = [
    '(nothing: the reference)',
    ...groups.map((group) => plain(reference.summary[group]!.auc, 4)),
    ...groups.map((group) => plain(reference.summary[group]!.precision[SHARE]!, 3)),
  ];
  const rows = ABLATIONS.flatMap(({ name: ablation, title }) => {
    const own = ablations.get(ablation)?.difference;
    if (!own) return [];
    return [
      [
        title,
        ...groups.map((group) => signed(own[group]!.auc, 4)),
        ...groups.map((group) => signed(own[group]!.precision[SHARE]!, 3)),
      ],
    ];
  });
  const { training, repeats } = reference;
  return `**${name}**, the best of ${training.steps} steps, mean of ${counted(repeats, 'repeat')}\n\n${table(heads, [whole, ...rows])}`;
}

function secondsTable(results: readonly DataSetResults[]): string {
  const rows = results.flatMap(({ name, main, reference, ablations }) => {
    const trainings: [string, number][] = [
      ...(main ? ([['default', main.training.seconds]] as [string, number][]) : []),
      ...(main?.published ? ([['published', main.published.seconds]] as [string, number][]) : []),
      ...(reference ? ([['reference of ablations', reference.training.seconds]] as [string, number][]) : []),
      ...[...ablations].flatMap(([ablation, { training }]): [string, number][] =>
        training ? [[ablation, training.seconds]] : [],
      ),
    ];
    if (trainings.length === 0) return [];
    const methods = Object.entries(main?.report.seconds ?? {});
    return [
      [
        name,
        trainings.map(([model, seconds]) => `${model} ${seconds.toFixed(0)}`).join(', '),
        main ? main.report.seconds_per_campaign.toFixed(2) : '-',
        methods.map(([method, seconds]) => `${method} ${seconds.toFixed(0)}`).join(', ') || '-',
      ],
    ];
  });
  return table(['data set', 'training', 'adaptation and scoring, per campaign', 'evaluation, total'], rows);
}
