/** Offline: meta-trains a general model over past campaigns, keeps the step that does best on held-out ones, exports it. */
import { createHash } from 'node:crypto';
import { trainableParameters } from '../graph/cut-tables.ts';
import type { Tensor } from '../graph/ir.ts';
import type { Clock } from '../lib/clock.ts';
import { createRng, type Rng, shuffle } from '../lib/rng.ts';
import type { Parameters } from '../model/compaction.ts';
import type { Manifest } from '../model/manifest.ts';
import type { Device } from '../model/session.ts';
import { checkpointPath, readCheckpoint, removeCheckpoint, writeCheckpoint } from './checkpoint.ts';
import { draftModel, exportModel } from './draft.ts';
import { type HeldOut, heldOutTrial, holdOut } from './held-out.ts';
import type { Task } from './learner.ts';
import { type Learners, openLearners } from './learners.ts';
import { addGradient, openOptimiser } from './meta-step.ts';
import { RECIPES } from './recipe.ts';
import { isValidated, type TrainSettings, VALIDATION_CAMPAIGNS, VALIDATION_SEEDS } from './settings.ts';
import { type Summary, summarise } from './summary.ts';
import type { Trial } from './trial.ts';
import type { Workspace } from './workspace.ts';

export interface TrainProgress {
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
}

export interface TrainResult {
  readonly manifest: Manifest;
  readonly steps: number;
  readonly interrupted: boolean;
  readonly bestStep: number;
}

interface Best {
  readonly step: number;
  /** null where nothing could be held out. */
  readonly auc: number | null;
  readonly summary: Summary;
}

/** Trains on the train campaigns of `workspace` and writes the model folder `options.out`. Equal data, settings and machine give equal bytes but for `created`. */
export async function train(workspace: Workspace, options: TrainOptions): Promise<TrainResult> {
  const { settings, device } = options;
  const campaigns = workspace.history.campaigns.filter(({ split }) => split === 'train');
  const { training, held: validation } = holdOut(
    campaigns,
    settings.validationShare,
    `train/${settings.seed}/validation`,
  );
  const draft = draftModel(workspace, campaigns, settings);
  const parameters = trainableParameters(draft.graph);
  const path = checkpointPath(options.out);
  const identity = identityOf(workspace, settings);
  const saved = options.resume ? readCheckpoint(path, identity) : null;
  const state = saved ? { steps: saved.step, tensors: withPrefix(saved.tensors, 'now/') } : undefined;
  const validate = drawValidation(workspace, { training, held: validation }, settings);
  const recipe = RECIPES[settings.recipe];
  const optimiser = await openOptimiser(draft.graph.initializers, { device, ...(state ? { state } : {}) });
  let best: Best | null = (saved?.notes as { best: Best | null } | undefined)?.best ?? null;
  let bestParameters: Parameters = best ? withPrefix(saved!.tensors, 'best/') : copyOf(optimiser.parameters);
  let savedStep = optimiser.steps;
  const save = (): void => {
    const tensors = new Map([...prefixed(optimiser.state().tensors, 'now/'), ...prefixed(bestParameters, 'best/')]);
    writeCheckpoint(path, { identity, step: optimiser.steps, notes: { best }, tensors });
    savedStep = optimiser.steps;
  };

  const rng = createRng(`train/${settings.seed}`);
  const gradients = new Map(
    parameters.map((name) => [name, new Float32Array(draft.graph.initializers.get(name)!.data.length)]),
  );
  const isOver = () =>
    optimiser.steps >= settings.steps ||
    (best !== null && best.auc !== null && optimiser.steps - best.step >= settings.patience);
  // last, so that nothing leaves its threads open
  const learners = await openLearners(workspace, draft, { settings, device, threads: options.threads ?? 1 });
  try {
    while (!isOver() && !options.signal.aborted) {
      const step = optimiser.steps;
      for (const gradient of gradients.values()) gradient.fill(0);
      let loss = 0;
      const drawn = tasksOf(rng, step, training.length, settings.taskCount);
      const tasks = drawn.flatMap((task, i): Task[] => {
        const campaign = training[task]!;
        const episode = recipe.drawEpisode(rng.fork(`step/${step}/${i}`), campaign, settings);
        return episode ? [{ campaign: campaign.id, ...episode }] : [];
      });
      for (const gradient of await learners.gradients(optimiser.parameters, tasks)) {
        loss += gradient.loss / drawn.length;
        addGradient(gradients, gradient, 1 / drawn.length);
      }
      await optimiser.step(gradients, settings.outerRate);

      let auc: number | null = null;
      if (isValidated(optimiser.steps, settings)) {
        const summary = await validate(learners, optimiser.parameters);
        auc = summary.all?.auc.mean ?? null;
        // without held-out campaigns the last step is taken
        if (best === null || best.auc === null || auc === null || auc > best.auc) {
          best = { step: optimiser.steps, auc, summary };
          bestParameters = copyOf(optimiser.parameters);
        }
        save();
      }
      options.onProgress?.({
        step: optimiser.steps,
        steps: settings.steps,
        loss,
        validationAuc: auc,
        best: best?.auc == null ? null : { step: best.step, auc: best.auc },
      });
    }
    // an interrupted training goes on from its last step
    if (!isOver() && optimiser.steps > savedStep) save();
    if (best === null) bestParameters = copyOf(optimiser.parameters);
  } finally {
    await Promise.all([learners.close(), optimiser.close()]);
  }

  const { adaptation, name, ...rest } = settings;
  const manifest = await exportModel(workspace, draft, bestParameters, options.out, {
    name,
    created: new Date(options.clock.now()).toISOString(),
    adaptation,
    evaluation: best?.summary.all
      ? {
          data: workspace.dataSet.name,
          campaigns: `${validation.length} train campaigns that were held out`,
          groups: best.summary,
        }
      : null,
    training: { ...rest, campaigns: training.length, best_step: best?.step ?? optimiser.steps },
  });
  const interrupted = !isOver();
  if (!interrupted) removeCheckpoint(path);
  return { manifest, steps: optimiser.steps, interrupted, bestStep: best?.step ?? optimiser.steps };
}

/** The campaigns of a step: passes over all of them, each shuffled anew. Fixed by the step alone, so that training can go on after a kill. */
function tasksOf(rng: Rng, step: number, campaigns: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    const position = step * count + i;
    const order = Int32Array.from({ length: campaigns }, (__, j) => j);
    shuffle(rng.fork(`pass/${Math.floor(position / campaigns)}`), order);
    return order[position % campaigns]!;
  });
}

/** Draws simulated seed sets of held-out campaigns; the function adapts to each, as the service would, and sums up. */
function drawValidation(
  { population }: Workspace,
  { training, held }: HeldOut,
  { seed }: TrainSettings,
): (learners: Learners, parameters: Parameters) => Promise<Summary> {
  const rng = createRng(`train/${seed}/trials`);
  // what a campaign is worth is the mean over its seed sets: they are no campaigns of their own
  const campaigns = held
    .slice(0, VALIDATION_CAMPAIGNS)
    .map((campaign) =>
      VALIDATION_SEEDS.map((seeds) =>
        heldOutTrial(campaign, seeds, training, population, rng.fork(`${campaign.id}/${seeds}`)),
      ).filter((trial): trial is Trial => trial !== null),
    )
    .filter((trials) => trials.length > 0);
  const trials = campaigns.flat();
  const keyed = trials.map((trial) => ({
    trial,
    key: `train/${seed}/validation/${trial.id}/${trial.seeds.length}`,
  }));
  return async (learners, parameters) => {
    const qualities = await learners.qualities(parameters, keyed);
    const byCampaign = campaigns.map((own) => ({
      trial: own[0]!,
      repeats: own.map((trial) => qualities[trials.indexOf(trial)]!),
    }));
    return summarise(byCampaign, rng.fork('bootstrap'));
  };
}

/** What two trainings must share for one to go on from the other's checkpoint: data and settings, but for the number of steps. */
function identityOf({ population, history, dataSet }: Workspace, { steps, ...settings }: TrainSettings): string {
  const { name, userFeatures, campaignFeatures } = dataSet;
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
