/** `metaheac evaluate`. */

import { systemClock } from '../../../lib/clock.ts';
import { signedInterval } from '../../../lib/interval.ts';
import { bar, type Output } from '../../../lib/output.ts';
import { alignColumns } from '../../../lib/text/tables.ts';
import { loadModel } from '../../../model/load.ts';
import { openDevice } from '../../../model/onnx-grad.ts';
import { PAST_CAMPAIGNS } from '../../../population/read.ts';
import { utilityOf } from '../../../training/choices/evidence.ts';
import { type EvaluationReport, evaluate } from '../../../training/evaluation/evaluate.ts';
import { BASELINES } from '../../../training/evaluation/methods.ts';
import { isScoreFile } from '../../../training/evaluation/score-file.ts';
import { prepareDataSet } from '../../../training/history/prepared-data-set.ts';
import { createEta } from '../../eta.ts';

export interface EvaluateCommandOptions {
  data: string;
  model: string;
  beside: readonly string[];
  /** Whether to evaluate models without adaptation too. */
  raw?: boolean;
  json?: boolean;
  /** File of the page to write. */
  report?: string;
  /** Folder of the SVG files to write. */
  plots?: string;
  repeats: number;
  seed: number;
  device: string;
}

export async function evaluateCommand(options: EvaluateCommandOptions, output: Output): Promise<void> {
  // the plotting code is loaded only if it is needed
  const reports = options.report || options.plots ? await import('../../../training/report/write.ts') : null;
  reports?.prepareOutputs(options.report, options.plots);
  const device = await openDevice(options.device);
  const model = await loadModel(options.model, { device });
  const beside = [];
  const scores = options.beside.filter(isScoreFile);
  for (const folder of options.beside) if (!scores.includes(folder)) beside.push(await loadModel(folder, { device }));
  const readsPast = [model, ...beside].some(({ folder }) => folder.vocabularies.has(`user.${PAST_CAMPAIGNS}`));
  const prepared = await prepareDataSet(options.data, { pastCampaigns: readsPast });
  try {
    const left = createEta(systemClock);
    const report = await evaluate(prepared, model, {
      repeats: options.repeats,
      seed: options.seed,
      device,
      clock: systemClock,
      beside,
      scores,
      withUnadapted: options.raw ?? false,
      onProgress: (done, total) =>
        output.progress(`${bar(done / total)} ${done}/${total} campaigns${left(done / total)}`),
    });
    if (reports && options.report) {
      reports.writePage(options.report, report, model.folder.manifest);
      output.note(`wrote ${options.report}`);
    }
    if (reports && options.plots)
      for (const path of reports.writePlots(options.plots, report)) output.note(`wrote ${path}`);
    output.result(options.json ? JSON.stringify(report) : describeReport(report));
  } finally {
    prepared.close();
  }
}

function describeReport(report: EvaluationReport): string {
  const skipped = report.skipped_campaigns.map(({ id, reason }) => `campaign ${id} is skipped: ${reason}`);
  const chosen = Object.entries(report.chosen).map(
    ([method, { setting }]) =>
      `${method} ${Object.entries(setting)
        .map(([name, value]) => `${name} ${value}`)
        .join(' ')}`,
  );
  return [
    ...describeGain(report),
    `${report.dataset}: ${report.model}, ${report.repeats} repeats, ` +
      `${report.seconds_per_campaign.toFixed(2)} s per campaign (adaptation and scoring)`,
    ...qualityTable(report),
    '',
    'difference between metaheac and the method per campaign [95 % interval]',
    ...differenceTable(report),
    '',
    `chosen on train campaigns: ${chosen.join(', ')}`,
    ...skipped,
  ].join('\n');
}

/**
 * Says whether training paid off. No: a baseline is significantly better than the model in at least one measure. Yes:
 * compared with each baseline, the model is significantly better in at least one measure, and its mean is not worse in
 * any measure. The figures compare the model with the best baseline.
 */
export function describeGain({ differences }: Pick<EvaluationReport, 'differences'>): string[] {
  const baselines = BASELINES.flatMap((name) => {
    const all = differences[name]?.['all'];
    return all ? [{ name, auc: all.auc, precision: all.precision['0.05']! }] : [];
  });
  if (baselines.length === 0) return [];
  type Lead = (typeof baselines)[number];
  const leadOf = ({ auc, precision }: Lead) => utilityOf({ auc: auc.mean, precision: precision.mean });
  const isAhead = ({ auc, precision }: Lead) => auc.high < 0 || precision.high < 0;
  const isBeaten = ({ auc, precision }: Lead) =>
    (auc.low > 0 || precision.low > 0) && auc.mean >= 0 && precision.mean >= 0;
  const best = baselines.reduce((a, b) => (leadOf(b) < leadOf(a) ? b : a));
  const figures =
    `AUC ${signedInterval(best.auc, 4)}, precision@5% ${signedInterval(best.precision, 3)} over ${best.name}, the ` +
    'best baseline';
  const ahead = baselines.filter(isAhead);
  if (ahead.length > 0) {
    const others = ahead.filter((one) => one !== best).map(({ name }) => name);
    const also = others.length > 0 ? `; significantly behind ${others.join(', ')} in one of the two measures` : '';
    return [`Training did not pay off: ${figures}${also}.`];
  }
  if (baselines.every(isBeaten)) return [`Training paid off: ${figures}.`];
  return [`These campaigns do not show whether training paid off: ${figures}.`];
}

function qualityTable({ methods }: EvaluationReport): string[] {
  const rows = [['method', 'group', 'campaigns', 'AUC [95 % interval]', 'precision@5%', 'recall@5%', 'lift@5%']];
  for (const [method, summary] of Object.entries(methods)) {
    for (const [group, entry] of Object.entries(summary)) {
      const { auc, precision, recall, lift } = entry;
      const at = (values: typeof precision) => (values['0.05']?.mean ?? Number.NaN).toFixed(3);
      rows.push([
        method,
        group,
        String(entry.campaigns),
        `${auc.mean.toFixed(4)} [${auc.low.toFixed(3)}, ${auc.high.toFixed(3)}]`,
        at(precision),
        at(recall),
        at(lift),
      ]);
    }
  }
  return alignColumns(rows);
}

function differenceTable({ differences }: EvaluationReport): string[] {
  const rows = [['method', 'group', 'AUC', 'precision@5%']];
  for (const [method, groups] of Object.entries(differences))
    for (const [group, { auc, precision }] of Object.entries(groups))
      rows.push([method, group, signedInterval(auc, 4), signedInterval(precision['0.05']!, 3)]);
  return alignColumns(rows);
}
