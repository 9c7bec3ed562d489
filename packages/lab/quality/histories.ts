/**
 * Measures how much quality a short history costs. The model is trained on 0, 1, 3, 5, 10, 20 and all train campaigns,
 * and always evaluated on the same test campaigns. Each history contains all shorter histories.
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { copyFile, open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type DataSet, getDataSetFile } from '../../../src/dataset/data-set.ts';
import { readLines } from '../../../src/dataset/lines.ts';
import { parseRecord } from '../../../src/dataset/records.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { messageOf } from '../../../src/lib/errors.ts';
import { createRng, shuffle } from '../../../src/lib/rng.ts';
import { parseCsvRecord } from '../../../src/lib/text/csv-reader.ts';
import type { GeneralModel } from '../../../src/model/load.ts';
import { prepareTrainingData } from '../../../src/training/choices/past-campaigns-choice.ts';
import { type EvaluationReport, evaluate } from '../../../src/training/evaluation/evaluate.ts';
import { DEFAULT_TRAIN_SETTINGS } from '../../../src/training/settings.ts';
import { type BenchRun, type Training, trainedModel } from './bench-run.ts';
import type { PartStore } from './part-store.ts';

/** The result for one length of history. */
export interface HistoryPoint {
  /** Number of train campaigns. */
  readonly campaigns: number;
  /** The result; null if the model cannot be trained or evaluated with this history. */
  readonly result: {
    readonly training: Training;
    readonly report: EvaluationReport;
    /** The changes to the default adaptation that were chosen during training. */
    readonly taken: readonly string[];
  } | null;
  /** The reason why there is no result. */
  readonly refused: string | null;
}

/** Lengths of short histories. */
export const SIZES: readonly number[] = [0, 1, 3, 5, 10, 20];

/**
 * Trains and evaluates a model for each length of history that the data set allows, ending with the whole history.
 * Results are stored. Failures are not stored, so the next run tries those lengths again.
 */
export async function runHistories(run: BenchRun): Promise<readonly HistoryPoint[]> {
  const { store, options } = run;
  const key = { steps: options.steps, repeats: options.repeats };
  const order = sampleOrder(run);
  const points: HistoryPoint[] = [];
  for (const campaigns of [...SIZES.filter((size) => size < order.length), order.length]) {
    const name = `history-${campaigns}`;
    const kept = store.find<HistoryPoint>(name, key);
    const point = kept ?? (await runHistory(run, name, order.slice(0, campaigns), order.length));
    if (kept === null && point.result) store.keep(name, key, point);
    points.push(point);
  }
  return points;
}

/** Returns the stored results, shortest history first, or null if there are none. */
export function keptHistories(store: PartStore): readonly HistoryPoint[] | null {
  const points = store
    .parts()
    .filter((name) => /^history-\d+$/.test(name))
    .map((name) => store.find<HistoryPoint>(name)!)
    .sort((a, b) => a.campaigns - b.campaigns);
  return points.length > 0 ? points : null;
}

/** Returns the train campaigns in random order. A history of n campaigns is the first n of this list. */
function sampleOrder({ prepared }: BenchRun): string[] {
  const ids = prepared.history.campaigns.filter(({ split }) => split === 'train').map(({ id }) => id);
  const order = Int32Array.from(ids.keys());
  shuffle(createRng('bench/histories'), order);
  return [...order].map((i) => ids[i]!);
}

async function runHistory(run: BenchRun, name: string, ids: readonly string[], all: number): Promise<HistoryPoint> {
  run.note(name);
  const folder = join(run.store.folder, `${name}-data`);
  try {
    if (ids.length < all) await writeHistory(run.prepared.dataSet, new Set(ids), folder);
    const prepared =
      ids.length < all
        ? await prepareTrainingData(folder, { pastCampaigns: 'auto', seed: DEFAULT_TRAIN_SETTINGS.seed })
        : run.prepared;
    try {
      const own = { ...run, prepared };
      const { model, training } = await trainedModel(own, ids.length < all ? name : 'default', DEFAULT_TRAIN_SETTINGS);
      const report = await evaluate(prepared, model, { ...run.methodOptions, clock: systemClock });
      return { campaigns: ids.length, result: { training, report, taken: takenOf(model) }, refused: null };
    } finally {
      if (prepared !== run.prepared) prepared.close();
    }
  } catch (error) {
    // this failure is expected: a history of zero or one campaign may be unusable
    const refused = messageOf(error).replaceAll(folder, 'the data set');
    run.note(`${name}: ${refused}`);
    return { campaigns: ids.length, result: null, refused };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Writes `dataSet` with only the train campaigns `ids` and all test campaigns. */
export async function writeHistory(dataSet: DataSet, ids: ReadonlySet<string>, out: string): Promise<void> {
  if (existsSync(out)) rmSync(out, { recursive: true });
  mkdirSync(out, { recursive: true });
  const users = getDataSetFile(dataSet, 'users.ndjson');
  for (const path of [users, join(dataSet.path, 'dataset.json')]) await copyFile(path, join(out, basename(path)));
  const left = new Set<string>();
  const campaigns = getDataSetFile(dataSet, 'campaigns.ndjson');
  await copyLines(campaigns, join(out, 'campaigns.ndjson'), (line, number) => {
    const record = parseRecord(line, campaigns, number);
    const id = String(record?.['campaign_id']);
    if (record?.['split'] !== 'train' || ids.has(id)) return true;
    left.add(id);
    return false;
  });
  const interactions = getDataSetFile(dataSet, 'interactions.csv');
  await copyLines(interactions, join(out, 'interactions.csv'), (line) => {
    if (line === '') return false;
    const [id] = line.includes('"') ? parseCsvRecord(line) : line.split(',', 1);
    return !left.has(id!);
  });
}

async function copyLines(from: string, to: string, keep: (line: string, number: number) => boolean): Promise<void> {
  const file = await open(to, 'w');
  try {
    for await (const { firstLine, lines } of readLines(from)) {
      const kept = lines.filter((line, i) => keep(line, firstLine + i));
      if (kept.length > 0) await file.writeFile(`${kept.join('\n')}\n`);
    }
  } finally {
    await file.close();
  }
}

/**
 * The changes to the default adaptation that were chosen before training or on held-out campaigns, according to the
 * manifest.
 */
function takenOf({ manifest }: GeneralModel): string[] {
  return [
    ['start_choice', 'before training'],
    ['adaptation_choice', 'on held-out campaigns'],
  ].flatMap(([key, when]) => {
    const choice = manifest.training?.[key!] as { tried?: { change: string; taken: boolean }[] } | null | undefined;
    return (choice?.tried ?? []).filter(({ taken }) => taken).map(({ change }) => `${change} (${when})`);
  });
}
