/** Offline: meta-trains a general model over past campaigns, chooses its steps and its adaptation on held-out ones, trains on all, exports it. */
import { createHash } from 'node:crypto';
import type { Parameters } from '../adaptation/compaction.ts';
import { LATENT_TABLE } from '../architectures/metaheac.ts';
import { type Tensor, trainableParameters } from '../graph/index.ts';
import type { Clock } from '../lib/clock.ts';
import { createRng } from '../lib/rng.ts';
import type { Manifest } from '../model/manifest.ts';
import type { Device } from '../runtime/session.ts';
import { checkpointPath, readCheckpoint, removeCheckpoint, writeCheckpoint } from './checkpoint.ts';
import type { Choice } from './choose-adaptation.ts';
import { openFutures } from './futures.ts';
import { holdOut, withoutUsersWithoutPositives } from './held-out.ts';
import type { CampaignHistory } from './history.ts';
import { createInitialModel, exportModel } from './initial-model.ts';
import { openLearners } from './learners.ts';
import { type Optimiser, openOptimiser } from './meta-step.ts';
import { metaTrain } from './meta-train.ts';
import { tuneRegression } from './population-ridge.ts';
import type { PreparedDataSet } from './prepared-data-set.ts';
import { isValidated, PASSES_UNSEEN, type TrainSettings } from './settings.ts';
import type { Summary } from './summary.ts';
import { tuneLogisticRegression } from './tune-logistic-regression.ts';
import type { SettingChoice } from './tuning.ts';
import { chooseAtStart, sampleValidation } from './validation.ts';

/**
 * `choosing`: on a part of the campaigns, measured on the rest; `final`: again on all, for as many passes as were best. Where nothing is held out
 * there is only the final one.
 */
export type Phase = 'choosing' | 'final';

export interface TrainProgress {
  readonly phase: Phase;
  readonly step: number;
  readonly steps: number;
  /** Mean query loss after the inner step, of the last step. */
  readonly loss: number;
  /** Mean AUC on held-out campaigns, at the steps where it was measured. */
  readonly validationAuc: number | null;
  readonly best: { readonly step: number; readonly auc: number } | null;
}

export interface TrainOptions {
  readonly out: string;
  readonly settings: TrainSettings;
  readonly device: Device;
  readonly clock: Clock;
  readonly resume: boolean;
  /** Threads that tasks and trials are shared out to; 1 (if not given): they run in this one. The model's bytes do not depend on it. */
  readonly threads?: number;
  /** Ends training after the step at hand; the best so far is exported. */
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: TrainProgress) => void;
  /** Told how a part that is a method of its own does best by itself. */
  readonly onTuned?: (part: 'regression' | 'companion', choice: SettingChoice) => void;
  /** Told how the heads are adapted, and what else was tried. */
  readonly onChoice?: (choice: Choice, on: 'start' | 'held out') => void;
}

export interface TrainResult {
  readonly manifest: Manifest;
  /** Of the first phase. */
  readonly steps: number;
  readonly bestStep: number;
  /** Steps of the final phase; 0 where the best of the first is the model. */
  readonly finalSteps: number;
  readonly interrupted: boolean;
}

interface Best {
  readonly step: number;
  /** null where nothing could be held out. */
  readonly auc: number | null;
  readonly summary: Summary | null;
}

/** What a checkpoint says beside its tensors. */
interface Notes {
  readonly phase: Phase;
  readonly best: Best | null;
  readonly choice: Choice | null;
  readonly start: Choice | null;
}

/** Steps between two checkpoints of the final phase. */
const FINAL_CHECKPOINT_STEPS = 50;

/** Trains on the train campaigns of `prepared` and writes the model folder `options.out`. Equal data, settings and machine give equal bytes but for `created`. */
export async function train(prepared: PreparedDataSet, options: TrainOptions): Promise<TrainResult> {
  const { device, signal } = options;
  const campaigns = prepared.history.campaigns.filter(({ split }) => split === 'train');
  const heldOut = holdOut(campaigns, options.settings.validationShare, `train/${options.settings.seed}/validation`);
  const initialModel = createInitialModel(prepared, campaigns, options.settings);
  const futures = openFutures(prepared, prepared.userFeatures);
  const tuning = createRng(`train/${options.settings.seed}/companion`);
  const regression = tuneRegression(futures, options.settings.adaptation, tuning);
  if (regression.choice) options.onTuned?.('regression', regression.choice);
  const logistic = tuneLogisticRegression(
    futures,
    initialModel.graph.initializers.get(LATENT_TABLE)?.data as Float32Array | undefined,
    regression.adaptation,
    tuning,
  );
  if (logistic.choice) options.onTuned?.('companion', logistic.choice);
  const { settings } = options;
  const parameters = trainableParameters(initialModel.graph);
  const path = checkpointPath(options.out);
  const identity = identityOf(prepared, options.settings);
  const saved = options.resume ? readCheckpoint(path, identity) : null;
  const notes = (saved?.notes as Notes | undefined) ?? null;
  let phase: Phase = notes?.phase ?? (heldOut.held.length > 0 || !settings.retrain ? 'choosing' : 'final');
  let best: Best | null = notes?.best ?? null;
  let choice: Choice | null = notes?.choice ?? null;
  let start: Choice | null = notes?.start ?? null;
  const state = saved ? { steps: saved.step, tensors: withPrefix(saved.tensors, 'now/') } : undefined;
  let optimiser = await openOptimiser(initialModel.graph.initializers, { device, ...(state ? { state } : {}) });
  let bestParameters: Parameters = saved ? withPrefix(saved.tensors, 'best/') : copyOf(optimiser.parameters);
  let savedAt = { phase, steps: optimiser.steps };
  const save = (): void => {
    const tensors = new Map([...prefixed(optimiser.state().tensors, 'now/'), ...prefixed(bestParameters, 'best/')]);
    writeCheckpoint(path, {
      identity,
      step: optimiser.steps,
      notes: { phase, best, choice, start } satisfies Notes,
      tensors,
    });
    savedAt = { phase, steps: optimiser.steps };
  };
  const report = (steps: number, loss: number, validationAuc: number | null): void =>
    options.onProgress?.({
      phase,
      step: optimiser.steps,
      steps,
      loss,
      validationAuc,
      best: best?.auc == null ? null : { step: best.step, auc: best.auc },
    });

  let steps = notes?.phase === 'final' ? (best?.step ?? 0) : optimiser.steps;
  let isOver = false;
  // last, so that nothing leaves its threads open
  const learners = await openLearners(prepared, initialModel, { settings, device, threads: options.threads ?? 1 });
  const loop = (on: readonly CampaignHistory[], now: Optimiser) => ({
    ...{ learners, settings, parameters, signal },
    on,
    optimiser: now,
  });
  try {
    const known = { seed: settings.seed, adaptation: logistic.adaptation };
    if (!notes && settings.chooseAdaptation) {
      start = await chooseAtStart(prepared, campaigns, learners, optimiser.parameters, known);
      if (start) options.onChoice?.(start, 'start');
    }
    const validation = sampleValidation(prepared, heldOut, known);
    if (phase === 'choosing') {
      isOver = await metaTrain({
        ...loop(withoutUsersWithoutPositives(heldOut.training, prepared.population.rowCount), optimiser),
        future: heldOut.held.map(({ id }) => id),
        key: `train/${settings.seed}`,
        isOver: (step) =>
          step >= settings.steps || (best !== null && best.auc !== null && step - best.step >= settings.patience),
        async onStep(step, loss) {
          let auc: number | null = null;
          if (isValidated(step, settings)) {
            const summary = await validation.validate(learners, optimiser.parameters);
            auc = summary.all?.auc.mean ?? null;
            // without held-out campaigns the last step is taken
            if (best === null || best.auc === null || auc === null || auc > best.auc) {
              best = { step, auc, summary };
              bestParameters = copyOf(optimiser.parameters);
            }
            save();
          }
          report(settings.steps, loss, auc);
        },
      });
      steps = optimiser.steps;
      if (best === null) bestParameters = copyOf(optimiser.parameters);
      if (isOver && settings.chooseAdaptation)
        choice = await validation.choose(learners, bestParameters, start?.settings ?? known.adaptation);
      if (choice) options.onChoice?.(choice, 'held out');
      if (isOver && settings.retrain && heldOut.held.length > 0) {
        phase = 'final';
        await optimiser.close();
        optimiser = await openOptimiser(initialModel.graph.initializers, { device });
        save();
      }
    }
    if (phase === 'final') {
      // as many passes over the campaigns as were best on a part of them
      const count = best
        ? Math.round((best.step * campaigns.length) / heldOut.training.length)
        : Math.min(settings.steps, Math.ceil((PASSES_UNSEEN * campaigns.length) / settings.taskCount));
      isOver = await metaTrain({
        ...loop(withoutUsersWithoutPositives(campaigns, prepared.population.rowCount), optimiser),
        future: [],
        key: `train/${settings.seed}/final`,
        isOver: (step) => step >= count,
        async onStep(step, loss) {
          if (step % FINAL_CHECKPOINT_STEPS === 0) save();
          report(count, loss, null);
        },
      });
      if (isOver || best === null) bestParameters = copyOf(optimiser.parameters);
    }
    // an interrupted training goes on from its last step
    if (!isOver && (savedAt.phase !== phase || optimiser.steps > savedAt.steps)) save();
  } finally {
    await Promise.all([learners.close(), optimiser.close()]);
  }

  const finalSteps = phase === 'final' && isOver ? optimiser.steps : 0;
  const { adaptation: _, name, ...rest } = settings;
  const manifest = await exportModel(prepared, initialModel, bestParameters, options.out, {
    name,
    created: new Date(options.clock.now()).toISOString(),
    adaptation: choice?.settings ?? start?.settings ?? logistic.adaptation,
    evaluation: best?.summary?.all
      ? {
          data: prepared.dataSet.name,
          campaigns: `${heldOut.held.length} train campaigns that were held out${finalSteps > 0 ? ' (before a last training on all)' : ''}`,
          groups: best.summary,
        }
      : null,
    training: {
      ...rest,
      campaigns: finalSteps > 0 ? campaigns.length : heldOut.training.length,
      best_step: best?.step ?? optimiser.steps,
      final_steps: finalSteps,
      regression_choice: regression.choice && { ...regression.choice },
      companion_choice: logistic.choice && { ...logistic.choice },
      start_choice: start && { campaigns: start.campaigns, tried: start.tried },
      adaptation_choice: choice && { campaigns: choice.campaigns, tried: choice.tried },
    },
  });
  if (isOver) removeCheckpoint(path);
  return { manifest, steps, bestStep: best?.step ?? steps, finalSteps, interrupted: !isOver };
}

/** What two trainings must share for one to go on from the other's checkpoint: data and settings, but for the number of steps. */
function identityOf(
  { population, history, dataSet, userFeatures }: PreparedDataSet,
  { steps, ...settings }: TrainSettings,
): string {
  const { name, campaignFeatures } = dataSet;
  const hash = createHash('sha256');
  hash.update(JSON.stringify([name, userFeatures, campaignFeatures, population.version, settings]));
  for (const { id, split, features, train } of history.campaigns) {
    if (split === 'train')
      hash
        .update(JSON.stringify([id, features]))
        .update(train.users)
        .update(train.labels);
  }
  return hash.digest('hex');
}

function copyOf(parameters: Parameters): Parameters {
  return new Map(
    [...parameters].map(([name, value]): [string, Tensor] => [
      name,
      { ...value, data: (value.data as Float32Array).slice() },
    ]),
  );
}

function prefixed(parameters: Parameters, prefix: string): [string, Tensor][] {
  return [...parameters].map(([name, value]) => [prefix + name, value]);
}

function withPrefix(tensors: ReadonlyMap<string, Tensor>, prefix: string): Parameters {
  return new Map(
    [...tensors].filter(([name]) => name.startsWith(prefix)).map(([name, value]) => [name.slice(prefix.length), value]),
  );
}
