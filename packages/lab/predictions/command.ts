/** `npm run lab -- predictions`: measures how often predictions from the seeds alone are right on test campaigns. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GeneralModel, loadModel } from '../../../src/model/load.ts';
import { PAST_CAMPAIGNS } from '../../../src/population/read.ts';
import { testTrials } from '../../../src/training/choices/trial.ts';
import { type PreparedDataSet, prepareDataSet } from '../../../src/training/history/prepared-data-set.ts';
import { drawFile } from '../../../src/training/report/draw.ts';
import { DEFAULT_TRAIN_SETTINGS } from '../../../src/training/settings.ts';
import { CPU } from '../../onnx-grad/index.ts';
import { FLAG, invalid, parseOptions, TEXT, TEXTS, wholeNumber } from '../options.ts';
import { openBenchRun, trainedModel } from '../quality/bench-run.ts';
import { table } from '../quality/format.ts';
import { reportPredictions } from './agreement.ts';
import { predictionChart } from './chart.ts';
import { type MeasuredPredictions, measurePredictions } from './measure.ts';
import { COVERAGE_HEADS, coverageRow, describePredictions } from './report.ts';

const USAGE =
  'predictions --data <data set folder> [--model <model folder>] [--data ..] [--work <folder for trained models>] ' +
  '[--repeats N] [--out <folder for plots>] [--json]';

interface Options {
  readonly work: string;
  readonly repeats: number;
  readonly out: string | null;
  readonly json: boolean;
  readonly note: (line: string) => void;
}

/** Trains a model for each data set without `--model`. Each data set is measured with `--repeats` random seeds. */
export async function runPredictions(
  args: readonly string[],
  note: (line: string) => void,
): Promise<readonly string[]> {
  const { values } = parseOptions(
    args,
    { data: TEXTS, model: TEXTS, work: TEXT, repeats: TEXT, out: TEXT, json: FLAG },
    USAGE,
  );
  const { data = [], model: models = [], work: kept = null, out = null, json = false } = values;
  if (data.length === 0) throw invalid(`--data is missing: ${USAGE}`);
  const work = kept ?? mkdtempSync(join(tmpdir(), 'metaheac-predictions-'));
  try {
    const options = { work, repeats: wholeNumber(values.repeats) ?? 1, out, json, note };
    const rows: string[][] = [];
    const lines: string[] = [];
    for (const [i, folder] of data.entries()) {
      const checked = await checkDataSet(folder, models[i] ?? null, options);
      lines.push(...checked.lines);
      rows.push(...checked.rows);
    }
    return json ? lines : [...lines, '', table(COVERAGE_HEADS, rows)];
  } finally {
    if (kept === null) rmSync(work, { recursive: true });
  }
}

/**
 * Two reports on a data set. The first report ignores drift, and the second report takes the model's drift into
 * account.
 */
async function checkDataSet(folder: string, given: string | null, options: Options) {
  const { model, prepared } = given === null ? await trained(folder, options) : await loaded(folder, given);
  try {
    const { name } = prepared.dataSet;
    const { drift } = model.manifest;
    const measured = await measureRepeats(prepared, model, options);
    const plain = reportPredictions(measured, undefined);
    const report = drift ? reportPredictions(measured, drift) : plain;
    if (options.out !== null) {
      mkdirSync(options.out, { recursive: true });
      const chart = predictionChart(report, name);
      if (chart) writeFileSync(join(options.out, `${name}.svg`), drawFile(chart));
    }
    return {
      lines: options.json
        ? [JSON.stringify({ dataset: name, ...report })]
        : [`${name}: ${model.manifest.name} ${model.manifest.version}`, ...describePredictions(report)],
      rows: (drift ? [plain, report] : [plain]).map((one) => coverageRow(name, one, options.repeats)),
    };
  } finally {
    prepared.close();
  }
}

async function trained(folder: string, { work, note }: Options) {
  const run = await openBenchRun(folder, work, { steps: null, repeats: 1, published: false, note });
  const { model } = await trainedModel(run, 'default', DEFAULT_TRAIN_SETTINGS);
  return { model, prepared: run.prepared };
}

async function loaded(folder: string, path: string) {
  const model = await loadModel(path, { device: CPU });
  const pastCampaigns = model.folder.vocabularies.has(`user.${PAST_CAMPAIGNS}`);
  return { model, prepared: await prepareDataSet(folder, { pastCampaigns }) };
}

/** Combines all measurements of one data set. */
async function measureRepeats(
  prepared: PreparedDataSet,
  model: GeneralModel,
  { repeats, note }: Options,
): Promise<MeasuredPredictions> {
  const trials = testTrials(prepared.history.campaigns);
  if (trials.length === 0) throw invalid(`${prepared.dataSet.path} has no test campaign`);
  const all: MeasuredPredictions[] = [];
  for (let seed = 1; seed <= repeats; seed++) {
    const onProgress = (done: number, total: number) => {
      if (done % 20 === 0) note(`${prepared.dataSet.name}: random seed ${seed}, ${done} of ${total} predictions`);
    };
    all.push(await measurePredictions(prepared, model, trials, { seed, device: CPU, onProgress }));
  }
  return { campaigns: all.flatMap(({ campaigns }) => campaigns), random: all.flatMap(({ random }) => random) };
}
