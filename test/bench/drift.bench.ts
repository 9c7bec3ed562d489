/**
 * How often predictions hold, with the drift that training measured and without it: default models, trained where none is
 * given, predict the test campaigns of data sets with several random seeds.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openBenchRun, trainedModel } from '../../packages/lab/quality/bench-run.ts';
import { short, table } from '../../packages/lab/quality/format.ts';
import { CPU } from '../../packages/onnx-grad/index.ts';
import { positiveInteger } from '../../src/cli/options.ts';
import { AppError } from '../../src/lib/errors.ts';
import { createRng, sampleWithoutReplacement } from '../../src/lib/rng.ts';
import { type GeneralModel, loadModel } from '../../src/model/load.ts';
import { bind } from '../../src/online/binding.ts';
import { customise, type OnlineContext, openOnlineProgram } from '../../src/online/customise.ts';
import { PREDICTED_SHARES, type Prediction, predict } from '../../src/online/quality/prediction.ts';
import type { PredictiveInterval } from '../../src/online/quality/predictive-interval.ts';
import { openBoundRegression } from '../../src/online/regression/bound-regression.ts';
import { openScorer } from '../../src/online/scoring/score.ts';
import { PAST_CAMPAIGNS } from '../../src/population/read/past-campaigns.ts';
import { othersThan, runPredictedTrial, type Trial, testTrials } from '../../src/training/choices/trial.ts';
import { type PreparedDataSet, prepareDataSet } from '../../src/training/history/prepared-data-set.ts';
import { DEFAULT_TRAIN_SETTINGS } from '../../src/training/settings.ts';

const USAGE =
  'drift --data <data set folder> [--model <model folder of it>] [--data ..] [--work <folder that keeps trained ' +
  'models>] [--repeats N]';
/** As many sets of random users as this are predicted for each random seed. */
const RANDOM_SETS = 20;

/** What was predicted once, and the truth by what was predicted. */
interface Checked {
  readonly prediction: Prediction;
  readonly truth: ReadonlyMap<string, number>;
}

export async function benchDrift(args: readonly string[], note: (line: string) => void): Promise<readonly string[]> {
  const { data, models, work: kept, repeats } = readArguments(args);
  const work = kept ?? mkdtempSync(join(tmpdir(), 'metaheac-drift-'));
  try {
    const rows: string[][] = [];
    for (const [i, folder] of data.entries())
      rows.push(...(await checkDataSet(folder, models[i] ?? null, { work, repeats, note })));
    return [table(HEADS, rows)];
  } finally {
    if (kept === null) rmSync(work, { recursive: true });
  }
}

function readArguments(args: readonly string[]) {
  const many = { type: 'string', multiple: true } as const;
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ args: [...args], options: { data: many, model: many, work: text, repeats: text } });
  const { data = [], model = [], work = null, repeats } = values;
  if (data.length === 0) throw new AppError('invalid_argument', `no data set: ${USAGE}`);
  return { data, models: model, work, repeats: repeats === undefined ? 3 : positiveInteger(repeats) };
}

interface Options {
  readonly work: string;
  readonly repeats: number;
  readonly note: (line: string) => void;
}

/** Rows of the table: without drift, and with what the model knows of it. */
async function checkDataSet(folder: string, given: string | null, options: Options): Promise<string[][]> {
  const { model, prepared } = given === null ? await trained(folder, options) : await loaded(folder, given);
  try {
    const { name } = prepared.dataSet;
    const { drift } = model.manifest;
    const checked: Both[] = [];
    for (let seed = 0; seed < options.repeats; seed++)
      checked.push(await predictAll(prepared, model, seed, (line) => options.note(`${name}: ${line}`)));
    const all = checked.flatMap(({ campaigns }) => campaigns);
    const random = checked.flatMap((one) => one.random);
    const campaigns = all.length / options.repeats;
    const row = (what: string, of: 'before' | 'after') => [
      `${name} (${campaigns})`,
      what,
      ...summarise(all.map((one) => one[of])),
      countGood(random.map((one) => one[of])),
    ];
    if (!drift) return [row('assumed none', 'before')];
    return [row('assumed none', 'before'), row(`measured on ${drift.campaigns}`, 'after')];
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

/** The test campaigns, and random users as seeds, each predicted without drift and with it. */
interface Both {
  readonly campaigns: readonly { readonly before: Checked; readonly after: Checked }[];
  readonly random: readonly { readonly before: Prediction; readonly after: Prediction }[];
}

async function predictAll(
  prepared: PreparedDataSet,
  model: GeneralModel,
  seed: number,
  note: (line: string) => void,
): Promise<Both> {
  const { population } = prepared;
  const { drift } = model.manifest;
  const binding = bind(model.folder, population);
  const program = await openOnlineProgram(model, { device: CPU });
  const scorer = await openScorer({ ...model, binding }, { device: CPU });
  const regression = await openBoundRegression({ model, population, binding }, { device: CPU });
  const context: OnlineContext = { model, population, binding, program, regression };
  const trials = testTrials(prepared.history.campaigns);
  const campaigns: Both['campaigns'][number][] = [];
  const random: Both['random'][number][] = [];
  try {
    for (const [i, trial] of trials.entries()) {
      const { ranks, quality } = await runPredictedTrial(
        context,
        scorer,
        trial,
        `drift/${seed}/${trial.id}`,
        PREDICTED_SHARES,
      );
      const truth = new Map(quality.top.map(({ share, recall }) => [String(share), recall]));
      const { labels } = trial.evaluation;
      const members = labels.reduce((sum, label) => sum + label, 0) / labels.length;
      // against all rows, including members, like the predicted one
      truth.set('auc', members / 2 + (1 - members) * quality.auc);
      const seeds = { all: trial.seeds.length, fitting: trial.seeds.length };
      campaigns.push({
        before: { prediction: predict(ranks, seeds), truth },
        after: { prediction: predict(ranks, seeds, { drift }), truth },
      });
      if (i % 20 === 19) note(`random seed ${seed}: ${i + 1} of ${trials.length} campaigns`);
    }
    for (const trial of trials.slice(0, RANDOM_SETS)) {
      const ranks = await randomRanks(context, trial, `drift/${seed}/random/${trial.id}`);
      const seeds = { all: trial.seeds.length, fitting: trial.seeds.length };
      random.push({ before: predict(ranks, seeds), after: predict(ranks, seeds, { drift }) });
    }
    return { campaigns, random };
  } finally {
    await program.steps.close();
    await scorer.close();
    await regression?.close();
  }
}

/** How as many random users rank as the trial has seeds. */
async function randomRanks(context: OnlineContext, trial: Trial, key: string) {
  const { population } = context;
  const seeds = sampleWithoutReplacement(createRng(key), population.rowCount, trial.seeds.length).sort();
  const candidates = othersThan(population, seeds);
  const { ranks } = await customise(context, { key, features: trial.features, seeds, candidates });
  return ranks;
}

const HEADS = [
  'data set (test campaigns)',
  'drift',
  'recall@5% holds',
  'mean width',
  'predicted / true',
  'recall@20% holds',
  'all sizes',
  'AUC holds',
  'mean width',
  'good / unsure / weak',
  'good of random sets',
];

function summarise(checked: readonly Checked[]): string[] {
  const known = checked.filter(({ prediction }) => prediction.auc !== null);
  const of = (what: string) => {
    const pairs = known.map(({ prediction, truth }) => ({
      said: what === 'auc' ? prediction.auc! : prediction.recall[what]!,
      true: truth.get(what)!,
    }));
    return {
      holds: meanOf(pairs.map((pair) => (contains(pair.said, pair.true) ? 1 : 0))),
      width: meanOf(pairs.map(({ said }) => said.high - said.low)),
      said: meanOf(pairs.map(({ said }) => said.mean)),
      true: meanOf(pairs.map((pair) => pair.true)),
    };
  };
  const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
  const [at5, at20, auc] = [of('0.05'), of('0.2'), of('auc')];
  const sizes = PREDICTED_SHARES.map((share) => of(String(share)).holds);
  const verdicts = (['good', 'unsure', 'weak'] as const).map(
    (verdict) => checked.filter(({ prediction }) => prediction.verdict === verdict).length,
  );
  return [
    percent(at5.holds),
    short(at5.width, 3),
    `${short(at5.said, 3)} / ${short(at5.true, 3)}`,
    percent(at20.holds),
    `${(100 * Math.min(...sizes)).toFixed(0)}-${percent(Math.max(...sizes))}`,
    percent(auc.holds),
    short(auc.width, 3),
    verdicts.join(' / '),
  ];
}

/** Bounds and truth may be the same fraction, rounded differently. */
function contains({ low, high }: PredictiveInterval, truth: number): boolean {
  return truth >= low - 1e-9 && truth <= high + 1e-9;
}

function countGood(predictions: readonly Prediction[]): string {
  return `${predictions.filter(({ verdict }) => verdict === 'good').length} of ${predictions.length}`;
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
