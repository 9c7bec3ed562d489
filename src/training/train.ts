/**
 * The offline stage: meta-trains a general model on past campaigns, chooses the number of steps and the adaptation on
 * held-out campaigns, trains on all campaigns and exports the model.
 */
import type { Device, Parameters } from '../../packages/onnx-grad/index.ts';
import type { Clock } from '../lib/clock.ts';
import type { AdaptationSettings, Drift, Manifest } from '../model/manifest.ts';
import type { Choice } from './choices/choose-adaptation.ts';
import type { BlendChoice } from './choices/choose-blend.ts';
import { measureDrift } from './choices/measure-drift.ts';
import { openParts, type Parts } from './choices/parts.ts';
import type { SettingChoice } from './choices/tuning.ts';
import { type HeldOut, holdOut, withoutUsersWithoutPositives } from './history/held-out.ts';
import type { CampaignHistory } from './history/history.ts';
import type { PreparedDataSet } from './history/prepared-data-set.ts';
import { checkpointPath, removeCheckpoint } from './meta/checkpoint.ts';
import { createInitialModel, exportModel } from './meta/initial-model.ts';
import { type Learners, openLearners } from './meta/learners.ts';
import { metaTrain } from './meta/meta-train.ts';
import { openTrainingRun, type Phase, type TrainingRun, trainingIdentity } from './meta/training-run.ts';
import { chooseAtStart, sampleValidation } from './meta/validation.ts';
import { isValidated, PASSES_UNSEEN, type TrainSettings } from './settings.ts';

export interface TrainProgress {
  readonly phase: Phase;
  readonly step: number;
  readonly steps: number;
  /** Mean query loss of the last step, after the inner step. */
  readonly loss: number;
  /** Mean AUC on held-out campaigns; null at steps without a validation. */
  readonly validationAuc: number | null;
  readonly best: { readonly step: number; readonly auc: number } | null;
}

export interface TrainOptions {
  readonly out: string;
  readonly settings: TrainSettings;
  readonly device: Device;
  readonly clock: Clock;
  readonly resume: boolean;
  /** The drift of an earlier model, which predictions use if no drift is measured. */
  readonly earlierDrift?: Drift | undefined;
  /**
   * Number of threads for tasks and trials. With 1, the default, they run in this thread. The model's bytes do not
   * depend on the number of threads.
   */
  readonly threads?: number;
  /** Ends training after the current step and exports the best model so far. */
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: TrainProgress) => void;
  /** Called for each part that is also a method by itself, with the part's best setting. */
  readonly onTuned?: (part: 'regression' | 'logistic', choice: SettingChoice) => void;
  /** Called with the chosen adaptation of the heads and the alternatives that were tried. */
  readonly onChoice?: (choice: Choice, on: 'start' | 'held out') => void;
  /** Called with the drift measured on held-out campaigns, if their members have times. */
  readonly onDrift?: (drift: Drift) => void;
}

export interface TrainResult {
  readonly manifest: Manifest;
  /** Number of steps of the first phase. */
  readonly steps: number;
  readonly bestStep: number;
  /** Number of steps of the final phase; 0 if the model is the best model of the first phase. */
  readonly finalSteps: number;
  readonly interrupted: boolean;
  /** The chosen blend of the heads; null if no blend was chosen. */
  readonly blend: BlendChoice | null;
}

/** Number of steps between two checkpoints of the final phase. */
const FINAL_CHECKPOINT_STEPS = 50;

/** The state that the phases of a training run share. */
interface Training {
  readonly prepared: PreparedDataSet;
  readonly options: TrainOptions;
  /** All train campaigns. */
  readonly campaigns: readonly CampaignHistory[];
  readonly heldOut: HeldOut;
  readonly run: TrainingRun;
  readonly learners: Learners;
  /** The parameters before training. */
  readonly initial: Parameters;
  /** How the heads are adapted before a choice is made. */
  readonly adaptation: AdaptationSettings;
}

/**
 * Trains on the train campaigns of `prepared` and writes the model folder `options.out`. Equal data, settings and
 * machine produce equal bytes except for `created`.
 */
export async function train(prepared: PreparedDataSet, options: TrainOptions): Promise<TrainResult> {
  const { device, settings } = options;
  const campaigns = prepared.history.campaigns.filter(({ split }) => split === 'train');
  const key = `train/${settings.seed}/validation`;
  const heldOut = holdOut(campaigns, settings.validationShare, key, prepared.until !== undefined);
  const initialModel = createInitialModel(prepared, campaigns, settings);
  const parts = await openParts(prepared, initialModel, campaigns, options);
  const path = checkpointPath(options.out);
  const run = openTrainingRun(initialModel.graph.initializers, {
    path,
    identity: trainingIdentity(prepared, settings, parts.adaptation),
    resume: options.resume,
    phase: heldOut.held.length > 0 || !settings.retrain ? 'choosing' : 'final',
  });
  let isOver = false;
  // learners are opened last, so that no error leaves their threads running
  const learners = await openLearners(prepared, initialModel, {
    settings,
    device,
    weights: parts.weights,
    threads: options.threads ?? 1,
  });
  const { adaptation } = parts;
  const initial = initialModel.graph.initializers;
  const training = { prepared, options, campaigns, heldOut, run, learners, initial, adaptation };
  try {
    if (!run.isResumed && settings.chooseAdaptation) {
      const known = { seed: settings.seed, adaptation };
      run.start = await chooseAtStart(prepared, campaigns, learners, run.optimiser.parameters, known);
      if (run.start) options.onChoice?.(run.start, 'start');
    }
    if (run.phase === 'choosing') isOver = await trainChoosing(training);
    if (run.phase === 'final') isOver = await trainFinal(training);
    // an interrupted training run resumes from its last step
    if (!isOver) run.saveRest();
  } finally {
    await learners.close();
  }
  const { best, optimiser, choosingSteps: steps } = run;
  const finalSteps = run.phase === 'final' && isOver ? optimiser.steps : 0;
  const facts = factsOf(training, finalSteps, parts.choices);
  const manifest = await exportModel(prepared, initialModel, run.bestParameters, options.out, facts, parts.priors);
  if (isOver) removeCheckpoint(path);
  return {
    manifest,
    steps,
    bestStep: best?.step ?? steps,
    finalSteps,
    interrupted: !isOver,
    blend: run.choice?.blend ?? null,
  };
}

/**
 * Runs the first phase, including the choice of the adaptation and the start of the final phase. Returns true if the
 * phase finished.
 */
async function trainChoosing({ options, heldOut, run, learners, ...training }: Training): Promise<boolean> {
  const { settings, signal } = options;
  const known = { seed: settings.seed, adaptation: training.adaptation };
  const validation = sampleValidation(training.prepared, heldOut, known);
  const isOver = await metaTrain({
    learners,
    settings,
    signal,
    optimiser: run.optimiser,
    on: withoutUsersWithoutPositives(heldOut.training, training.prepared.population.rowCount),
    future: heldOut.held.map(({ id }) => id),
    key: `train/${settings.seed}`,
    isOver: (step) => {
      const { best } = run;
      return step >= settings.steps || (best !== null && best.auc !== null && step - best.step >= settings.patience);
    },
    async onStep(step, loss) {
      let auc: number | null = null;
      if (isValidated(step, settings)) {
        const summary = await validation.validate(learners, run.optimiser.parameters);
        auc = summary.all?.auc.mean ?? null;
        const { best } = run;
        // without held-out campaigns the last step is used
        if (best === null || best.auc === null || auc === null || auc > best.auc) {
          run.best = { step, auc, summary };
          run.keepParameters();
        }
        run.save();
      }
      report(options, run, settings.steps, loss, auc);
    },
  });
  run.choosingSteps = run.optimiser.steps;
  if (run.best === null) run.keepParameters();
  if (isOver && settings.chooseAdaptation)
    run.choice = await validation.choose(learners, run.bestParameters, run.start);
  if (run.choice) options.onChoice?.(run.choice, 'held out');
  const adaptation = run.adaptation ?? known.adaptation;
  if (isOver)
    run.drift = await measureDrift(training.prepared, heldOut, learners, run.bestParameters, { ...known, adaptation });
  if (run.drift) options.onDrift?.(run.drift);
  // if the trained heads have no weight, more training does not help
  const isEnough = (run.choice?.blend?.kind ?? 'stack') !== 'stack';
  if (isOver && settings.retrain && heldOut.held.length > 0 && !isEnough)
    run.startFinal(planFinal(heldOut, run, settings).startsAgain ? training.initial : run.bestParameters);
  return isOver;
}

/**
 * Decides how the final phase starts. If starting over is cheap, the final phase starts from the initial model, and the
 * number of passes over all campaigns is the number that was best in the first phase. Otherwise it continues from the
 * best step, and the number of additional steps is proportional to the number of held-out campaigns.
 */
function planFinal({ held, training }: HeldOut, { best }: TrainingRun, { restartSteps }: TrainSettings) {
  const step = best?.step ?? 0;
  const again = Math.round((step * (held.length + training.length)) / training.length);
  const startsAgain = again <= restartSteps;
  return { startsAgain, steps: startsAgain ? again : Math.ceil((step * held.length) / training.length) };
}

/** Runs the final phase, on all campaigns. Returns true if the phase finished. */
async function trainFinal({ options, campaigns, heldOut, run, learners, ...training }: Training): Promise<boolean> {
  const { settings, signal } = options;
  const count = run.best
    ? planFinal(heldOut, run, settings).steps
    : Math.min(settings.steps, Math.ceil((PASSES_UNSEEN * campaigns.length) / settings.taskCount));
  const isOver = await metaTrain({
    learners,
    settings,
    signal,
    optimiser: run.optimiser,
    on: withoutUsersWithoutPositives(campaigns, training.prepared.population.rowCount),
    future: [],
    key: `train/${settings.seed}/final`,
    isOver: (step) => step >= count,
    async onStep(step, loss) {
      if (step % FINAL_CHECKPOINT_STEPS === 0) run.save();
      report(options, run, count, loss, null);
    },
  });
  if (isOver || run.best === null) run.keepParameters();
  return isOver;
}

function report(
  { onProgress }: TrainOptions,
  { phase, best, optimiser }: TrainingRun,
  steps: number,
  loss: number,
  validationAuc: number | null,
): void {
  onProgress?.({
    phase,
    step: optimiser.steps,
    steps,
    loss,
    validationAuc,
    best: best?.auc == null ? null : { step: best.step, auc: best.auc },
  });
}

/** The description of the training in the manifest. */
function factsOf(
  { prepared, options, campaigns, heldOut, run, adaptation }: Training,
  finalSteps: number,
  choices: Parts['choices'],
): Pick<Manifest, 'name' | 'created' | 'adaptation' | 'evaluation' | 'drift' | 'training'> {
  const { best, choice, start, optimiser } = run;
  const { adaptation: _, name, ...rest } = options.settings;
  return {
    name,
    created: new Date(options.clock.now()).toISOString(),
    adaptation: run.adaptation ?? withoutPriors(adaptation),
    evaluation: best?.summary?.all
      ? {
          data: prepared.dataSet.name,
          campaigns:
            `${heldOut.held.length} ${prepared.hidden ? 'tokens' : 'train campaigns'} that were held ` +
            `out${finalSteps > 0 ? ' (before a final training on all)' : ''}`,
          groups: best.summary,
        }
      : null,
    drift: run.drift ?? options.earlierDrift,
    training: {
      ...rest,
      campaigns: finalSteps > 0 ? campaigns.length : heldOut.training.length,
      best_step: best?.step ?? optimiser.steps,
      final_steps: finalSteps,
      ...(prepared.until ? { campaigns_until: prepared.until.toISOString() } : {}),
      ...choices,
      start_choice: start && { campaigns: start.campaigns, tried: start.tried },
      adaptation_choice: choice && { campaigns: choice.campaigns, tried: choice.tried },
      blend_choice: choice?.blend ?? null,
    },
  };
}

/** Returns the settings without priors. Used if nothing was chosen, because then no part has a prior. */
function withoutPriors(adaptation: AdaptationSettings): AdaptationSettings {
  if (adaptation.optimiser === 'adam') return adaptation;
  const { priors: _, ...rest } = adaptation;
  return rest;
}
