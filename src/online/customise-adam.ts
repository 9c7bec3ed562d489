/**
 * The online stage with the Adam optimiser, according to a plan. Held-out seeds determine the number of epochs
 * (possibly 0); then the final pass uses all seeds.
 */
import {
  type AdaptationProgram,
  type AdaptationRun,
  type Feeds,
  type LabelledBatch,
  takeFeeds,
} from '../../packages/onnx-grad/index.ts';
import type { Row } from '../lib/brands.ts';
import { AppError } from '../lib/errors.ts';
import { counted } from '../lib/text/counted.ts';
import { paddingHint } from '../model/find-nan.ts';
import type { AdamSettings } from '../model/manifest.ts';
import { type CampaignValues, encodeCampaign, encodeUsers } from './encode.ts';
import { countSeeds, pickWeights } from './negatives.ts';
import type { AnyContext, CustomisedModel, CustomiseRequest } from './online-context.ts';
import { type AdaptationPlan, type PlannedBatch, type PlannedFold, type PlannedPass, samplePlan } from './plan.ts';
import { predict } from './quality/prediction.ts';
import { reportRanks } from './quality/quality.ts';
import { aucOf, joinRanks, rankSeeds, type SeedRanks } from './quality/seed-ranks.ts';

export async function customiseByAdam(
  context: AnyContext,
  steps: AdaptationProgram,
  settings: AdamSettings,
  request: CustomiseRequest,
): Promise<CustomisedModel> {
  const plan = samplePlan(request.key, request, settings);
  const passes = new PlannedPasses(context, steps, settings, plan, request);
  let epochs = settings.epochs;
  let ranks: SeedRanks | null = null;
  let evidence: string | null = null;
  if (plan.folds.length > 0) {
    const folds: EpochRanks[][] = [];
    for (const fold of plan.folds) folds.push(await passes.rank(fold));
    const after = (epoch: number, of: keyof EpochRanks) => joinRanks(folds.map((fold) => fold[epoch]![of]));
    const tried = Array.from({ length: settings.epochs + 1 }, (_, epoch) => after(epoch, 'others'));
    epochs = chooseEpochs(tried);
    evidence = describeEpochs(tried.map(aucOf), epochs);
    ranks = after(epochs, 'reported');
  }
  const run = await passes.start(plan.final, []);
  for (let epoch = 0; epoch < epochs; epoch++) await passes.runEpoch(run, plan.final, epoch);
  request.onProgress?.(1);
  const prediction = request.withoutQuality
    ? null
    : predict(ranks, countSeeds(request), { drift: context.model.manifest.drift });
  return {
    parameters: run.parameters(),
    epochs,
    quality: ranks && reportRanks(ranks),
    prediction: prediction && evidence ? { ...prediction, reason: `${prediction.reason}; ${evidence}` } : prediction,
    ranks,
  };
}

/** Ranks of a fold's held-out seeds after an epoch. */
interface EpochRanks {
  /** Ranks among the plan's candidates. The number of epochs is chosen by these ranks. */
  readonly others: SeedRanks;
  /** Ranks among the rows of the quality report. */
  readonly reported: SeedRanks;
}

/** Runs the passes of a plan one after another. The users of the plan are read and encoded once. */
class PlannedPasses {
  readonly #context: AnyContext;
  readonly #steps: AdaptationProgram;
  readonly #settings: AdamSettings;
  readonly #others: Int32Array;
  readonly #request: CustomiseRequest;
  readonly #users: PlannedUsers;
  /** Number of steps in all passes, and number of steps done so far. */
  readonly #total: number;
  #done = 0;

  constructor(
    context: AnyContext,
    steps: AdaptationProgram,
    settings: AdamSettings,
    { folds, final, others }: AdaptationPlan,
    request: CustomiseRequest,
  ) {
    this.#context = context;
    this.#steps = steps;
    this.#settings = settings;
    this.#others = others;
    this.#request = request;
    const passes = [...folds, final];
    const scored = [...folds.map(({ heldOut }) => heldOut), others, ...(request.ranked ? [request.ranked] : [])];
    this.#users = new PlannedUsers(context, passes, folds.length > 0 ? scored : [], request.without);
    this.#total = passes.flatMap(({ epochs }) => epochs).reduce((sum, epoch) => sum + epoch.length, 0);
  }

  start(pass: PlannedPass, scored: readonly Feeds[]): Promise<AdaptationRun> {
    const { parameters, model } = this.#context;
    return this.#steps.start(
      parameters ?? model.graph.initializers,
      pass.epochs.flat().map((batch) => this.#users.batch(this.#request.features, batch)),
      scored,
    );
  }

  async runEpoch(run: AdaptationRun, pass: PlannedPass, epoch: number): Promise<void> {
    const from = pass.epochs.slice(0, epoch).reduce((sum, batches) => sum + batches.length, 0);
    for (const [i, batch] of pass.epochs[epoch]!.entries()) {
      const loss = await run.step(from + i, this.#settings.rate);
      if (!Number.isFinite(loss)) throw await notFinite(this.#context, this.#steps, this.#users, this.#request, batch);
      this.#done += 1;
      this.#request.onProgress?.(this.#done / this.#total);
    }
  }

  /** The ranks of a fold's held-out seeds, by number of epochs, starting with 0. */
  async rank(fold: PlannedFold): Promise<EpochRanks[]> {
    const { features, ranked } = this.#request;
    const scored = [fold.heldOut, this.#others, ...(ranked ? [ranked] : [])];
    const run = await this.start(
      fold,
      scored.map((rows) => this.#users.feeds(features, rows)),
    );
    const weights = pickWeights(this.#request, fold.heldOut);
    const ranks: EpochRanks[] = [];
    for (let epoch = 0; epoch <= this.#settings.epochs; epoch++) {
      if (epoch > 0) await this.runEpoch(run, fold, epoch - 1);
      const held = await run.scores(0);
      const others = rankSeeds(held, await run.scores(1), weights);
      ranks.push({ others, reported: ranked ? rankSeeds(held, await run.scores(2), weights) : others });
    }
    return ranks;
  }
}

/**
 * The reason why a step has no loss: either the general model gives a user a score of NaN, or the learning rate is too
 * high.
 */
async function notFinite(
  { model, population, parameters = model.graph.initializers, nameUser = (n) => `user number ${n}` }: AnyContext,
  steps: AdaptationProgram,
  users: PlannedUsers,
  { features }: CustomiseRequest,
  { rows }: PlannedBatch,
): Promise<AppError> {
  const feeds = users.feeds(features, rows);
  const scores = await (await steps.start(parameters, [], [feeds])).scores(0);
  const wrong = scores.findIndex(Number.isNaN);
  if (wrong < 0)
    return new AppError(
      'invalid_model',
      'a step of the adaptation makes the loss infinite: the learning rate is too high',
    );
  const [user] = population.readRows(rows.subarray(wrong, wrong + 1)).userNumbers;
  const hint = paddingHint(model.manifest.features, feeds, wrong);
  return new AppError('invalid_model', `the score of ${nameUser(user!)} is not a number${hint}`);
}

/**
 * The number of epochs with the best AUC of held-out seeds; the largest such number if several are equally good. 0
 * leaves the model unchanged. `ranks` are by number of epochs, starting with 0.
 */
export function chooseEpochs(ranks: readonly SeedRanks[]): number {
  const aucs = ranks.map(aucOf);
  return aucs.lastIndexOf(Math.max(...aucs));
}

/**
 * Describes how adaptation changed the AUC of held-out seeds. `aucs` contains the AUC by number of epochs, starting
 * with 0.
 */
function describeEpochs(aucs: readonly number[], epochs: number): string | null {
  const [before, ...after] = aucs.map((auc) => auc.toFixed(2));
  if (after.length === 0) return null;
  const last = `${after.at(-1)} after ${counted(after.length, 'pass', 'passes')} over the other seeds`;
  if (epochs === 0) return `the model is not adapted: held-out seeds had AUC ${before} before adaptation and ${last}`;
  return (
    `the model is adapted by ${counted(epochs, 'pass', 'passes')} over the seeds: held-out seeds had AUC ${before} ` +
    `before and ${after[epochs - 1]} after`
  );
}

/** The users of a plan, read and encoded once. */
class PlannedUsers {
  readonly #context: AnyContext;
  readonly #feeds: Feeds;
  /** Maps rows of the population to rows of `#feeds`. */
  readonly #placeOf = new Map<Row, number>();

  constructor(
    context: AnyContext,
    passes: readonly PlannedPass[],
    others: readonly Int32Array[],
    without: CustomiseRequest['without'] = null,
  ) {
    this.#context = context;
    const wanted = new Set<Row>();
    for (const pass of passes) for (const batch of pass.epochs.flat()) for (const row of batch.rows) wanted.add(row);
    for (const rows of others) for (const row of rows) wanted.add(row);
    const rows = Int32Array.from(wanted).sort();
    for (let i = 0; i < rows.length; i++) this.#placeOf.set(rows[i]!, i);
    this.#feeds = encodeUsers(context.model.graph, context.binding, context.population.readRows(rows), {
      without: without ?? null,
    });
  }

  feeds(features: CampaignValues, rows: Int32Array): Feeds {
    const { model } = this.#context;
    return {
      ...takeFeeds(
        this.#feeds,
        rows.map((row) => this.#placeOf.get(row)!),
      ),
      ...encodeCampaign(model.graph, model.folder, features, rows.length),
    };
  }

  batch(features: CampaignValues, { rows, ...rest }: PlannedBatch): LabelledBatch {
    return { feeds: this.feeds(features, rows), ...rest };
  }
}
