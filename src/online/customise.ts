/**
 * The online stage of one campaign: plan -> adaptation, with held-out seeds choosing the epochs, none if that is best
 * -> customised model and quality report.
 */

import {
  type AdaptationProgram,
  type AdaptationRun,
  type LabelledBatch,
  openAdaptation,
} from '../adaptation/adam-program.ts';
import type { Parameters } from '../adaptation/compaction.ts';
import { type HeadProgram, openHeadProgram } from '../adaptation/head-adaptation.ts';
import type { Tensor } from '../graph/index.ts';
import type { Row } from '../lib/brands.ts';
import { AppError } from '../lib/errors.ts';
import { paddingHint } from '../model/find-nan.ts';
import type { AdaptableModel } from '../model/load.ts';
import { type AdamSettings, type DescentSettings, linearParameters } from '../model/manifest.ts';
import type { Population, UserRows } from '../population/population.ts';
import { takeFeeds } from '../runtime/feed-rows.ts';
import type { Device, Feeds } from '../runtime/session.ts';
import type { Binding } from './binding.ts';
import type { BoundRegression } from './bound-regression.ts';
import { customiseHeads } from './customise-heads.ts';
import { type CampaignValues, type EncodingOptions, encodeCampaign, encodeUsers } from './encode.ts';
import { countSeeds, type Outside } from './negatives.ts';
import { type PlannedBatch, type PlannedFold, type PlannedPass, samplePlan } from './plan.ts';
import { type Prediction, predict } from './prediction.ts';
import { type QualityReport, reportRanks } from './quality.ts';
import { joinRanks, rankSeeds, type SeedRanks, winsOf } from './seed-ranks.ts';

/** A model's steps, of the kind given in its manifest. */
export type OnlineProgram =
  | { readonly kind: 'adam'; readonly steps: AdaptationProgram; readonly settings: AdamSettings }
  | { readonly kind: 'gradient_descent'; readonly steps: HeadProgram; readonly settings: DescentSettings };

/** Differentiates the model and opens its sessions. */
export async function openOnlineProgram(
  {
    graph,
    adapted,
    manifest: { adaptation },
  }: Pick<AdaptableModel, 'graph' | 'adapted'> & { readonly manifest: Pick<AdaptableModel['manifest'], 'adaptation'> },
  { threads = 1, ...options }: { device?: Device; threads?: number } = {},
): Promise<OnlineProgram> {
  if (adaptation.optimiser === 'adam')
    return { kind: 'adam', steps: await openAdaptation(graph, adapted, { ...options, threads }), settings: adaptation };
  return {
    kind: 'gradient_descent',
    steps: await openHeadProgram(graph, linearParameters(adaptation), {
      ...options,
      ...(adaptation.regression ? { regression: adaptation.regression.parameter } : {}),
      ...(adaptation.scale ? { scale: adaptation.scale } : {}),
    }),
    settings: adaptation,
  };
}

/** A model bound to a population, ready to be adapted: shared by all campaigns. */
export interface OnlineContext<Model extends AdaptableModel = AdaptableModel, Users extends UserRows = Population> {
  readonly model: Model;
  readonly population: Users;
  readonly binding: Binding;
  readonly program: OnlineProgram;
  /** Present if the model has a whole-population regression. */
  readonly regression?: BoundRegression | null;
  /** What errors call a user. */
  readonly nameUser?: (userNumber: number) => string;
  /** Where adaptation starts, if not at the model's own parameters (while it is being trained). */
  readonly parameters?: Parameters;
}

/** What adaptation needs of a context, whoever its users are. */
export type AnyContext = OnlineContext<AdaptableModel, UserRows>;

export interface CustomiseRequest {
  /** Key of all random numbers: `planKey`. */
  readonly key: string;
  readonly features: CampaignValues;
  /** Rows of the population, ascending. */
  readonly seeds: Int32Array;
  /** Rows that are neither seeds nor suppressed, ascending; at least one. */
  readonly candidates: Int32Array;
  /** Dismissed candidates, ascending: negatives of every step, and not ranked. */
  readonly dismissed?: Int32Array;
  /**
   * Where filters exclude users: the candidates fit them. Seeds who do not are learned from and not ranked, and
   * negatives are matched to the seeds.
   */
  readonly outside?: Outside | null;
  /**
   * Called with the share of steps done, after `onParameters` with the share of the report that is made; whatever it
   * throws ends the work.
   */
  readonly onProgress?: (share: number) => void;
  /**
   * Called with the adapted parameters where they are known before quality and prediction: scoring need not wait for
   * those.
   */
  readonly onParameters?: (parameters: CustomisedModel['parameters']) => void;
  /**
   * `ownToken`: the campaign's own, if the model was trained on it. It must also be removed when scoring with the
   * customised model.
   */
  readonly without?: EncodingOptions['without'];
  /** Skips the quality report and the prediction, and their runs. */
  readonly withoutQuality?: boolean;
  /**
   * Rows that an audience will be cut from, to which predicted shares refer; by default the candidates, or a sample of
   * them.
   */
  readonly ranked?: Int32Array;
  /**
   * With gradient descent, the number of candidates from which negatives are sampled; `POOL_ROWS` by default.
   */
  readonly poolRows?: number;
}

export interface CustomisedModel {
  /** The adapted parameters; all others are the general model's. */
  readonly parameters: ReadonlyMap<string, Tensor>;
  readonly epochs: number;
  /** null if too few seeds could be held out. */
  readonly quality: QualityReport | null;
  readonly prediction: Prediction | null;
  /** What both are made of. */
  readonly ranks: SeedRanks | null;
}

/** Adapts the general model to a campaign's seeds. */
export async function customise(context: AnyContext, request: CustomiseRequest): Promise<CustomisedModel> {
  const { program } = context;
  if (program.kind === 'gradient_descent') return customiseHeads(context, program.steps, program.settings, request);
  const { settings } = program;
  const plan = samplePlan(request.key, request, settings);
  const users = new PlannedUsers(
    context,
    [...plan.folds, plan.final],
    plan.folds.length > 0
      ? [...plan.folds.map(({ heldOut }) => heldOut), plan.others, ...(request.ranked ? [request.ranked] : [])]
      : [],
    request.without,
  );
  const stepsOf = ({ epochs }: PlannedPass) => epochs.reduce((sum, epoch) => sum + epoch.length, 0);
  const total = [...plan.folds, plan.final].reduce((sum, pass) => sum + stepsOf(pass), 0);
  let done = 0;
  const start = (pass: PlannedPass, scored: readonly Feeds[]): Promise<AdaptationRun> =>
    program.steps.start(
      context.parameters ?? context.model.graph.initializers,
      pass.epochs.flat().map((batch) => users.batch(request.features, batch)),
      scored,
    );
  const runEpoch = async (run: AdaptationRun, pass: PlannedPass, epoch: number): Promise<void> => {
    const from = pass.epochs.slice(0, epoch).reduce((sum, batches) => sum + batches.length, 0);
    for (let i = 0; i < pass.epochs[epoch]!.length; i++) {
      const loss = await run.step(from + i, settings.rate);
      if (!Number.isFinite(loss))
        throw await notFinite(context, program.steps, users, request, pass.epochs[epoch]![i]!);
      done += 1;
      request.onProgress?.(done / total);
    }
  };

  const rankFold = async (fold: PlannedFold): Promise<EpochRanks[]> => {
    const scored = [fold.heldOut, plan.others, ...(request.ranked ? [request.ranked] : [])];
    const run = await start(
      fold,
      scored.map((rows) => users.feeds(request.features, rows)),
    );
    const ranks: EpochRanks[] = [];
    for (let epoch = 0; epoch <= settings.epochs; epoch++) {
      if (epoch > 0) await runEpoch(run, fold, epoch - 1);
      const held = await run.scores(0);
      const others = rankSeeds(held, await run.scores(1));
      ranks.push({ others, reported: request.ranked ? rankSeeds(held, await run.scores(2)) : others });
    }
    return ranks;
  };

  let epochs = settings.epochs;
  let ranks: SeedRanks | null = null;
  if (plan.folds.length > 0) {
    const folds: EpochRanks[][] = [];
    for (const fold of plan.folds) folds.push(await rankFold(fold));
    const after = (epoch: number, of: keyof EpochRanks) => joinRanks(folds.map((fold) => fold[epoch]![of]));
    epochs = chooseEpochs(Array.from({ length: settings.epochs + 1 }, (_, epoch) => after(epoch, 'others')));
    ranks = after(epochs, 'reported');
  }
  const run = await start(plan.final, []);
  for (let epoch = 0; epoch < epochs; epoch++) await runEpoch(run, plan.final, epoch);
  request.onProgress?.(1);
  return {
    parameters: run.parameters(),
    epochs,
    quality: ranks && reportRanks(ranks),
    prediction: request.withoutQuality
      ? null
      : predict(ranks, countSeeds(request), { drift: context.model.manifest.drift }),
    ranks,
  };
}

/** How the seeds of a fold rank after an epoch. */
interface EpochRanks {
  /** Among the plan's candidates, who choose the epochs. */
  readonly others: SeedRanks;
  /** Among the rows that the report is about. */
  readonly reported: SeedRanks;
}

/** Why a step has no loss: a user whose score is no number in the general model, or a rate that is too high. */
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
    return new AppError('invalid_model', 'a step of the adaptation makes its loss infinite: its rate is too high');
  const [user] = population.readRows(rows.subarray(wrong, wrong + 1)).userNumbers;
  const hint = paddingHint(model.manifest.features, feeds, wrong);
  return new AppError('invalid_model', `the score of ${nameUser(user!)} is not a number${hint}`);
}

/**
 * The number of epochs with the best AUC of held-out seeds; of equal ones the larger. 0 leaves the model as it is.
 * `ranks`: by number of epochs, from 0 on.
 */
export function chooseEpochs(ranks: readonly SeedRanks[]): number {
  const aucs = ranks.map((each) => winsOf(each).reduce((sum, wins) => sum + wins, 0));
  return aucs.lastIndexOf(Math.max(...aucs));
}

/** The users of a plan, read and encoded once. */
class PlannedUsers {
  readonly #context: AnyContext;
  readonly #feeds: Feeds;
  /** Population row -> row of `#feeds`. */
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

  batch(features: CampaignValues, { rows, labels }: PlannedBatch): LabelledBatch {
    return { feeds: this.feeds(features, rows), labels };
  }
}
