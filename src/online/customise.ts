/** The online stage of one campaign: plan -> adaptation, with held-out seeds choosing the epochs -> customised model and quality report. */
import type { Tensor } from '../graph/ir.ts';
import type { AdaptationProgram, AdaptationRun, LabelledBatch } from '../model/adaptation.ts';
import type { Parameters } from '../model/compaction.ts';
import type { GeneralModel } from '../model/load.ts';
import type { Feeds } from '../model/session.ts';
import type { Population } from '../population/population.ts';
import type { Binding } from './binding.ts';
import { type CampaignFeatures, encodeCampaign, encodeUsers, takeFeeds } from './encode.ts';
import { drawPlan, type PlannedBatch, type PlannedPass } from './plan.ts';
import { heldOutQuality, type QualityReport } from './quality.ts';

/** A model bound to a population, ready to be adapted: shared by all campaigns. */
export interface OnlineContext {
  readonly model: GeneralModel;
  readonly population: Population;
  readonly binding: Binding;
  readonly program: AdaptationProgram;
  /** Where adaptation starts, if not at the model's own parameters (while it is being trained). */
  readonly parameters?: Parameters;
}

export interface CustomiseRequest {
  /** Key of every random draw: `planKey`. */
  readonly key: string;
  readonly features: CampaignFeatures;
  /** Rows of the population, ascending. */
  readonly seeds: Int32Array;
  /** Rows that are neither seeds nor suppressed, ascending; at least one. */
  readonly candidates: Int32Array;
  /** Called with the share of the steps that are done. */
  readonly onProgress?: (share: number) => void;
}

export interface CustomisedModel {
  /** The adapted parameters; all others are the general model's. */
  readonly parameters: ReadonlyMap<string, Tensor>;
  readonly epochs: number;
  readonly quality: QualityReport | null;
}

/** Adapts the general model to a campaign's seeds. */
export async function customise(context: OnlineContext, request: CustomiseRequest): Promise<CustomisedModel> {
  const settings = context.model.manifest.adaptation;
  const plan = drawPlan(request.key, request.seeds, request.candidates, settings);
  const users = new PlannedUsers(
    context,
    [plan.selection, plan.final],
    plan.selection ? [plan.selection.heldOut, plan.selection.others] : [],
  );
  const stepsOf = (pass: PlannedPass | null) => pass?.epochs.reduce((sum, epoch) => sum + epoch.length, 0) ?? 0;
  const total = stepsOf(plan.selection) + stepsOf(plan.final);
  let done = 0;
  const start = (pass: PlannedPass, scored: readonly Feeds[]): Promise<AdaptationRun> =>
    context.program.start(
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
  let quality: QualityReport | null = null;
  if (plan.selection) {
    const { heldOut, others } = plan.selection;
    const run = await start(
      plan.selection,
      [heldOut, others].map((rows) => users.feeds(request.features, rows)),
    );
    const reports: QualityReport[] = [];
    for (let epoch = 0; epoch < settings.epochs; epoch++) {
      await runEpoch(run, plan.selection, epoch);
      reports.push(heldOutQuality(await run.scores(0), await run.scores(1)));
    }
    epochs = chooseEpochs(reports);
    quality = reports[epochs - 1]!;
  }
  const run = await start(plan.final, []);
  for (let epoch = 0; epoch < epochs; epoch++) await runEpoch(run, plan.final, epoch);
  request.onProgress?.(1);
  return { parameters: run.parameters(), epochs, quality };
}

/** The default number of epochs, unless fewer are better by more than one standard error: few held-out seeds are a noisy judge. */
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
  readonly #placeOf = new Map<number, number>();

  constructor(context: OnlineContext, passes: readonly (PlannedPass | null)[], others: readonly Int32Array[]) {
    this.#context = context;
    const wanted = new Set<number>();
    for (const pass of passes)
      for (const batch of pass?.epochs.flat() ?? []) for (const row of batch.rows) wanted.add(row);
    for (const rows of others) for (const row of rows) wanted.add(row);
    const rows = Int32Array.from(wanted).sort();
    for (let i = 0; i < rows.length; i++) this.#placeOf.set(rows[i]!, i);
    this.#feeds = encodeUsers(context.model.graph, context.binding, context.population.readRows(rows));
  }

  feeds(features: CampaignFeatures, rows: Int32Array): Feeds {
    const { model } = this.#context;
    return {
      ...takeFeeds(
        this.#feeds,
        rows.map((row) => this.#placeOf.get(row)!),
      ),
      ...encodeCampaign(model.graph, model.folder, features, rows.length),
    };
  }

  batch(features: CampaignFeatures, { rows, labels }: PlannedBatch): LabelledBatch {
    return { feeds: this.feeds(features, rows), labels };
  }
}
