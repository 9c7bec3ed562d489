/**
 * The online stage of one campaign: plan -> adaptation, with held-out seeds choosing the epochs -> customised model and
 * quality report.
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
import type { AdaptableModel } from '../model/load.ts';
import { type AdamSettings, type DescentSettings, linearParameters } from '../model/manifest.ts';
import type { Population } from '../population/population.ts';
import { takeFeeds } from '../runtime/feed-rows.ts';
import type { Device, Feeds } from '../runtime/session.ts';
import type { Binding } from './binding.ts';
import type { BoundRegression } from './bound-regression.ts';
import { customiseHeads } from './customise-heads.ts';
import { type CampaignValues, type EncodingOptions, encodeCampaign, encodeUsers } from './encode.ts';
import { countSeeds, type Outside } from './negatives.ts';
import { type PlannedBatch, type PlannedPass, samplePlan } from './plan.ts';
import { type Prediction, predict } from './prediction.ts';
import { type QualityReport, reportRanks } from './quality.ts';
import { rankSeeds, type SeedRanks } from './seed-ranks.ts';

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
export interface OnlineContext<Model extends AdaptableModel = AdaptableModel> {
  readonly model: Model;
  readonly population: Population;
  readonly binding: Binding;
  readonly program: OnlineProgram;
  /** Present if the model has a whole-population regression. */
  readonly regression?: BoundRegression | null;
  /** Where adaptation starts, if not at the model's own parameters (while it is being trained). */
  readonly parameters?: Parameters;
}

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
export async function customise(context: OnlineContext, request: CustomiseRequest): Promise<CustomisedModel> {
  const { program } = context;
  if (program.kind === 'gradient_descent') return customiseHeads(context, program.steps, program.settings, request);
  const { settings } = program;
  const plan = samplePlan(request.key, request, settings);
  const users = new PlannedUsers(
    context,
    [plan.selection, plan.final],
    plan.selection ? [plan.selection.heldOut, request.ranked ?? plan.selection.others] : [],
    request.without,
  );
  const stepsOf = (pass: PlannedPass | null) => pass?.epochs.reduce((sum, epoch) => sum + epoch.length, 0) ?? 0;
  const total = stepsOf(plan.selection) + stepsOf(plan.final);
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
      await run.step(from + i, settings.rate);
      done += 1;
      request.onProgress?.(done / total);
    }
  };

  let epochs = settings.epochs;
  let ranks: SeedRanks | null = null;
  if (plan.selection) {
    const { heldOut } = plan.selection;
    const others = request.ranked ?? plan.selection.others;
    const run = await start(
      plan.selection,
      [heldOut, others].map((rows) => users.feeds(request.features, rows)),
    );
    const ranksOf: SeedRanks[] = [];
    for (let epoch = 0; epoch < settings.epochs; epoch++) {
      await runEpoch(run, plan.selection, epoch);
      ranksOf.push(rankSeeds(await run.scores(0), await run.scores(1)));
    }
    epochs = chooseEpochs(ranksOf.map(reportRanks));
    ranks = ranksOf[epochs - 1]!;
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

/**
 * The default number of epochs, unless fewer are better by more than one standard error: few held-out seeds are a noisy
 * judge.
 */
export function chooseEpochs(reports: readonly QualityReport[]): number {
  const last = reports[reports.length - 1]!;
  let best = reports.length;
  for (const [i, report] of reports.entries()) {
    if (report.auc > last.auc + last.standard_error && report.auc > reports[best - 1]!.auc) best = i + 1;
  }
  return best;
}

/** The users of a plan, read and encoded once. */
class PlannedUsers {
  readonly #context: OnlineContext;
  readonly #feeds: Feeds;
  /** Population row -> row of `#feeds`. */
  readonly #placeOf = new Map<Row, number>();

  constructor(
    context: OnlineContext,
    passes: readonly (PlannedPass | null)[],
    others: readonly Int32Array[],
    without: CustomiseRequest['without'] = null,
  ) {
    this.#context = context;
    const wanted = new Set<Row>();
    for (const pass of passes)
      for (const batch of pass?.epochs.flat() ?? []) for (const row of batch.rows) wanted.add(row);
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
